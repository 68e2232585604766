# make tarball: an archive of the target with an install script, for machines without a package of
# daneroll, in $(B)/tarball.

.PHONY: tarball
tarball: $(B)/$(TARGET)/daneroll
	@cross/tarball/tarball $< $(TARGET) $(B)/src $(B)/tarball
