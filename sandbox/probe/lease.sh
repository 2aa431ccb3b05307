#!/bin/sh
# busybox udhcpc calls this with what a DHCP server granted; it says so on one line and changes nothing itself.
[ "$1" = bound ] && echo "lease $ip/$mask ${router%% *} ${dns%% *} $serverid"
exit 0
