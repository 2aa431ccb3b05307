# Puts staged files in their places and in force, walls before forwarding. Safe to repeat after a kill at any line.
#   $1          the mark of judged packets
#   $2          the text of `reload_firewalld`
#   $3          who runs this: whoever has staged the files
#   $4          the text of `alone`
#   stdout      what the kernel then holds of ours
#   exit        21: a file, 22: the kernel, 23: sysctl, 24: systemd, 25: firewalld, 26: Docker's chain, 27: another run
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
stage=/run/twin-vpc-stage
mark=$1 reload=$2 who=$3
reloading=''
eval "$4"

alone "$who" || exit 27
if [ "$(cat "$stage/run" 2>/dev/null)" != "$who" ]; then
    echo "locked: $(cat "$stage/run" 2>/dev/null || echo 'somebody who has removed the staged files')" >&2
    exit 27
fi

# Who has yet to be told of changed files, even by the run after one that was killed: in /run, as a reboot tells them too.
tell_firewalld=/run/twin-vpc.tell-firewalld
tell_systemd=/run/twin-vpc.tell-systemd
tell_hold=/run/twin-vpc.tell-hold

# place MODE PATH [TELL]: replaces a file in one step if it differs. The copy is made in the file's own folder: that is
# where SELinux gives a new file the label that belongs there.
place() {
    mkdir -p "${2%/*}" || exit 21
    cmp -s "$stage$2" "$2" && [ "$(stat -c %a "$2")" = "$1" ] && return
    [ -z "${3-}" ] || : >"$3" || exit 21
    cp "$stage$2" "$2.new" && chmod "0$1" "$2.new" && mv -f "$2.new" "$2" && return
    rm -f "$2.new" # half a file, where the disk is full
    exit 21
}

is_active() {
    printf '%s\n' "$active" | sed -n "$1p" | grep -qx active
}
active=$(systemctl is-active firewalld.service docker.service twin-vpc-docker.service twin-vpc-hold.service)

mkdir -p /etc/twin-vpc && chmod 0700 /etc/twin-vpc || exit 21
# The manifest first: what the host was like before us must survive a kill right after this line.
place 600 /etc/twin-vpc/manifest.json
for file in "$stage"/etc/firewalld/*/*.xml; do
    [ -f "$file" ] || continue
    place 644 "${file#"$stage"}" "$tell_firewalld"
done
# What an earlier run placed and this one does not want. By name, not by manifest: a run killed right after the line above
# has left files that no manifest names any more.
for file in /etc/firewalld/zones/twin-vpc.xml /etc/firewalld/policies/twin-vpc*.xml; do
    [ -f "$file" ] && [ ! -f "$stage$file" ] || continue
    : >"$tell_firewalld" && rm -f "$file" "$file.old" || exit 21
done
# Slow to start, so it starts now; it reloads once it is told that the walls are up, and not at all if we end before.
if [ -e "$tell_firewalld" ] && is_active 1; then
    mkfifo "$stage/go" || exit 21
    python3 -Es -c "$reload" <"$stage/go" &
    reloading=$!
    exec 8>"$stage/go"
fi

for name in ruleset.nft routing-rules routing-rules6; do
    place 600 "/etc/twin-vpc/$name"
done
place 600 /etc/twin-vpc/held.nft "$tell_hold"
place 700 /etc/twin-vpc/load
/etc/twin-vpc/load || exit 22
# It may have ended already, of which `wait` will tell.
[ -z "$reloading" ] || (trap '' PIPE && echo go >&8) 2>/dev/null

# What remove.sh gives back. Written once, before our first change.
mark_before=/etc/twin-vpc/src_valid_mark.before
[ -s "$mark_before" ] || sysctl -n net.ipv4.conf.all.src_valid_mark >"$mark_before" || exit 23
place 644 /etc/sysctl.d/60-twin-vpc.conf
# --ignore: settings of bridges that libvirt has yet to make; a wrong value still fails.
sysctl --quiet --ignore --load=/etc/sysctl.d/60-twin-vpc.conf || exit 23

units='twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service'
for unit in $units nftables.service.d/twin-vpc.conf; do
    place 644 "/etc/systemd/system/$unit" "$tell_systemd"
done
# shellcheck disable=SC2086 # three words
if [ "$(systemctl is-enabled $units 2>/dev/null | sort -u)" != enabled ]; then
    : >"$tell_systemd" || exit 21
fi
# `enable` also makes systemd read its units again.
# shellcheck disable=SC2086
[ ! -e "$tell_systemd" ] || systemctl --quiet enable $units || exit 24
systemctl start twin-vpc.service || exit 24
# The third table last: while its process changes, the two others stand.
if [ -e "$tell_hold" ] || [ -e "$tell_systemd" ] || ! is_active 4; then
    systemctl restart twin-vpc-hold.service || exit 24
fi
rm -f "$tell_hold"

[ -z "$reloading" ] || wait "$reloading" || exit 25
rm -f "$tell_firewalld"
leave_of_docker() {
    is_active 2 || return 0
    /etc/twin-vpc/load docker "$mark" || return 26
    [ ! -e "$tell_systemd" ] && is_active 3 || systemctl --no-block restart twin-vpc-docker.service || return 24
}
leave_of_docker &
docker=$!
/etc/twin-vpc/load show
wait "$docker" || exit
rm -rf "$stage" "$tell_systemd"
