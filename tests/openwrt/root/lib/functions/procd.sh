# procd as a script sees it: what it is told goes to the log.

procd_add_reload_trigger() {
	echo "procd trigger $*" >>/log
}

procd_kill() {
	echo "procd kill $1" >>/log
}

rc_procd() {
	echo "procd open" >>/log
	"$@"
	service_triggers
	echo "procd close" >>/log
}
