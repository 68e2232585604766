# make deb: a Debian package of the target, in $(B)/deb. Needs dpkg-deb and nothing else of Debian's
# tools; tests/e2e/test_deb.py says what it has to be like.

.PHONY: deb
deb: $(B)/$(TARGET)/daneroll
	@cross/debian/deb $< $(TARGET) $(B)/deb
