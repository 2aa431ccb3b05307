# Takes away what is ours and nothing else. Safe to repeat; what is already gone is no error.
#   $1          what net.ipv4.ip_forward was before us, or nothing
#   $2          our bridges and the retired ones, separated by blanks
#   $3          the text of `load`: the file on the host may be gone or edited
#   $4          the text of `reload_firewalld`
#   $5          who runs this
#   $6          the text of `alone`
#   $7          the text of `guard`
#   exit        31: one of our bridges is still there, 21 to 27 as in the installation
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
forward_before=$1 bridges=$2 loader=$3 reload=$4
eval "$6"

alone "$5" || exit 27
for bridge in $bridges; do
    if [ -e "/sys/class/net/$bridge" ]; then
        echo "$bridge" >&2
        exit 31
    fi
done
# Only now: a removal that is refused leaves another run's change under its guard.
sh -c "$7" twin-vpc drop policy || exit 27

# others_set PATTERN: whether a sysctl file of somebody's switches such a setting on.
others_set() {
    for file in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf; do
        [ "$file" != /etc/sysctl.d/60-twin-vpc.conf ] && [ -f "$file" ] &&
            grep -Eq "^[[:space:]]*-?net[./]ipv4[./]($1)[[:space:]]*=[[:space:]]*1" "$file" && return 0
    done
    return 1
}

# Who else may need forwarding: Docker and its kin, Tailscale, another libvirt network, a sysctl file of somebody's.
others_forward() {
    systemctl is-active docker.service podman.service containerd.service tailscaled.service 2>/dev/null | grep -qx active && return 0
    if command -v virsh >/dev/null; then
        virsh --quiet --connect qemu:///system net-list --name 2>/dev/null | grep -q . && return 0
    fi
    others_set 'ip_forward|conf[./]all[./]forwarding'
}

# Who else may need marks in reverse-path look-ups: WireGuard (wg-quick sets it), a sysctl file of somebody's.
others_mark() {
    ip -o link show type wireguard 2>/dev/null | grep -q . && return 0
    others_set 'conf[./]all[./]src_valid_mark'
}

# Forwarding is closed before the walls go.
rm -f /etc/sysctl.d/60-twin-vpc.conf || exit 21
if [ "$forward_before" = 0 ] && ! others_forward; then
    sysctl --quiet --write net.ipv4.ip_forward=0 || exit 23
fi
if [ "$(cat /etc/twin-vpc/src_valid_mark.before 2>/dev/null)" = 0 ] && ! others_mark; then
    sysctl --quiet --write net.ipv4.conf.all.src_valid_mark=0 || exit 23
fi

# Units before tables: else a restart of nftables.service in between would load the policy again.
units=/etc/systemd/system
drop_in=$units/nftables.service.d
ours='twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service'
there=''
for unit in $ours nftables.service.d/twin-vpc.conf; do
    [ ! -e "$units/$unit" ] || there=yes
done
if [ -n "$there" ]; then
    # shellcheck disable=SC2086 # three words
    systemctl --quiet stop $ours 2>/dev/null
    # shellcheck disable=SC2086
    systemctl --quiet --no-reload disable $ours 2>/dev/null
    for unit in $ours; do
        rm -f "$units/$unit" || exit 21
    done
    rm -f "$drop_in/twin-vpc.conf" || exit 21
    [ ! -d "$drop_in" ] || rmdir --ignore-fail-on-non-empty "$drop_in" || exit 21
    systemctl daemon-reload || exit 24
fi

# Before the reload, which gives Docker's chains back as they are.
if systemctl --quiet is-active docker.service; then
    sh -c "$loader" /load docker '' || exit 26
fi

tell_firewalld=/run/twin-vpc.tell-firewalld
# By name: a run that was killed may have left files that no manifest names.
for file in /etc/firewalld/policies/twin-vpc*.xml /etc/firewalld/zones/twin-vpc.xml; do
    [ -f "$file" ] || continue
    : >"$tell_firewalld" && rm -f "$file" "$file.old" || exit 21
done
if [ -e "$tell_firewalld" ] && systemctl --quiet is-active firewalld.service; then
    echo go | python3 -Es -c "$reload" || exit 25
fi

sh -c "$loader" /load unload || exit 22
rm -rf /run/twin-vpc-stage /run/twin-vpc.tell-* /etc/twin-vpc "$lock" || exit 21
rmdir --ignore-fail-on-non-empty "${lock%/*}"
