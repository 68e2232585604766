# The part of OpenWrt's functions.sh that the package meets.

sections=
count=0

config() {
	count=$((count + 1))
	section="${2:-cfg$count}"
	sections="$sections $section"
	eval "type_$section='$1'"
}

option() {
	eval "value_${section}_$1='$2'"
}

list() {
	:
}

config_load() {
	[ -z "$IPKG_INSTROOT" ] || return 0
	sections=
	count=0
	# shellcheck disable=SC1090
	[ ! -f "/etc/config/$1" ] || . "/etc/config/$1"
}

config_foreach() {
	local each
	for each in $sections; do
		[ "$(eval echo "\$type_$each")" = "$2" ] && "$1" "$each"
	done
}

config_get() {
	eval "$1=\"\${value_${2}_$3:-$4}\""
}

config_get_bool() {
	local word
	config_get word "$2" "$3" "$4"
	case "$word" in
	1 | on | true | yes | enabled) word=1 ;;
	0 | off | false | no | disabled) word=0 ;;
	*) word=$4 ;;
	esac
	eval "$1=$word"
}

default_postinst() {
	local name root="$IPKG_INSTROOT" script
	name="$(basename "${1%.*}")"
	if [ -z "$root" ]; then
		for script in $(grep '^/etc/uci-defaults/' "/usr/lib/opkg/info/$name.list"); do
			# shellcheck disable=SC1090
			([ -f "$script" ] && cd "$(dirname "$script")" && . "$script") && rm -f "$script"
		done
		uci commit
	fi
	for script in $(grep '^/etc/init.d/' "$root/usr/lib/opkg/info/$name.list"); do
		if [ -n "$root" ]; then
			/bin/sh "$root/etc/rc.common" "$root$script" enable
		else
			[ "$PKG_UPGRADE" = 1 ] || "$script" enable
			"$script" start
		fi
	done
}

default_prerm() {
	local name script
	name="$(basename "${1%.*}")"
	for script in $(grep '^/etc/init.d/' "/usr/lib/opkg/info/$name.list"); do
		[ "$PKG_UPGRADE" = 1 ] || "$script" disable
		"$script" stop
	done
}
