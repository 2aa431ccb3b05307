# What the host is like. Read only. Prints one line per answer: a name and its value in base64.
#   $1          the text of `load`, to read the kernel in the same words whatever lies on the host's disk
#   $2          `brief` (what a change must know), `full` (all that a refresh compares) or `expected` (what the files stand
#               for: slower, and asked for only where the kernel holds something else than what was loaded)
#   $3          the sysctl settings to read, separated by blanks
#   $4 and on   the files to read
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
loader=$1 depth=$2 settings=$3
shift 3

answer() {
    name=$1
    shift
    printf '%s %s\n' "$name" "$("$@" 2>/dev/null </dev/null | base64 -w 0)"
}

missing_programs() {
    for program in nft ip systemctl sysctl unshare flock tar awk; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

has_firewalld() {
    command -v firewall-cmd >/dev/null && [ -d /etc/firewalld ] && echo yes
}

setting_values() {
    for setting in $settings; do
        printf '%s=%s\n' "$setting" "$(sysctl -n "$setting" 2>/dev/null | tr '\t' ' ')"
    done
}

active_zones() {
    busctl --json=short call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 \
        org.fedoraproject.FirewallD1.zone getActiveZones
}

# Bridges of libvirt's networks in mode `open`, as ours are: libvirt itself lets everything through there.
open_bridges() {
    set +f
    for file in /etc/libvirt/qemu/networks/*.xml; do
        grep -q "<forward mode='open'" "$file" && sed -n "s/^ *<bridge name='\([^']*\)'.*/\1/p" "$file"
    done
}

# Machines on libvirt's own network, by its name or its bridge, running or not: asked before the first policy only. A
# take-over that has begun (operations/adopt) moves them itself, once their new networks stand.
on_default() {
    [ -f /etc/twin-vpc/manifest.json ] && return
    set +f
    grep -qsx backed-up /var/backups/twin-vpc/*/status && return
    bridge=$(libvirt net-info default | awk '$1 == "Bridge:" { print $2 }')
    libvirt list --all --name | while IFS= read -r machine; do
        [ -n "$machine" ] || continue
        { libvirt domiflist "$machine" && libvirt domiflist "$machine" --inactive; } |
            awk -v bridge="$bridge" '
                $2 == "network" && $3 == "default" || $2 == "bridge" && $3 == bridge { found = 1 }
                END { exit !found }' && printf '%s\n' "$machine"
    done
}

libvirt() {
    virsh --quiet --connect qemu:///system "$@"
}

docker_filter() {
    command -v iptables >/dev/null && iptables -w -S FORWARD && iptables -w -S DOCKER-USER
}

# What listens for TCP; the last line tells that it was asked.
listening() {
    ss -Hltnp && echo end
}

# Ports that Docker, or somebody else, leads elsewhere.
translated() {
    command -v iptables >/dev/null && iptables -w -t nat -S
}

# Docker's networks, a line each: name, driver, blocks. Those of a Swarm have no link and no route out here.
docker_networks() {
    [ "$(systemctl is-active docker.service)" = active ] || return 0 # a mere question would start it by its socket
    # shellcheck disable=SC2046 # a list of ids
    docker network inspect --format '{{.Name}} {{.Driver}}{{range .IPAM.Config}} {{.Subnet}}{{end}}' $(docker network ls -q)
}

# Tailscale's own settings, with the routes that it offers.
tailnet() {
    command -v tailscale >/dev/null && timeout 5 tailscale debug prefs
}

# The tables and rules that the files on disk stand for, loaded into a network namespace that is thrown away.
expected() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --net -- sh -c 'sh -c "$1" /etc/twin-vpc/load rehearse && sh -c "$1" /load show' expected "$loader"
}

client=${SSH_CONNECTION-}
client=${client%% *}
active=$(systemctl is-active firewalld.service docker.service 2>/dev/null)
set -f
answer uid id -u
if [ "$depth" = expected ]; then
    answer expected expected
    exit 0
fi
quick() {
    answer missing missing_programs
    answer routes ip -4 route show default
    answer all-routes ip -4 -j route show table all
    answer rules ip -4 -j rule show
    answer addresses ip -4 -j address
    answer client printf '%s' "$client"
    [ -z "$client" ] || answer way-back ip -j route get "$client"
    answer links ls /sys/class/net
    answer open-bridges open_bridges
    answer listening listening
    answer translated translated
    answer forward cat /proc/sys/net/ipv4/ip_forward
    answer firewalld has_firewalld
    answer active printf '%s' "$active"
    for file in "$@"; do
        [ -f "$file" ] && answer "file:$file" cat "$file"
    done
    [ "$depth" = full ] || return 0

    answer show sh -c "$loader" /load show
    answer enabled systemctl is-enabled twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service
    answer running systemctl is-active twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service
    answer settings setting_values
    case $active in active*) answer zones active_zones ;; esac
    case $active in *active) answer docker docker_filter ;; esac
    return 0
}

# What other programs take long to say waits in a pipe, while everything else is asked.
answer on-default on_default |
    { answer docker-networks docker_networks && answer tailnet tailnet && cat; } |
    { quick "$@" && cat; }
exit 0
