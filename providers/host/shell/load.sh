#!/bin/sh
# The network policy of twin-vpc in the kernel. Written by the Pulumi provider twin-host: what is edited here is undone.
#
#   load                 both walls, as in the files beside this script (twin-vpc.service, start and reload)
#   load hold            makes the third table and holds it as long as the process lives (twin-vpc-hold.service)
#   load held            waits until the third table is there
#   load rehearse        everything, the third table unheld: for a network namespace that is thrown away
#   load show            what the kernel holds of ours, in a stable form
#   load docker MARK     Docker's leave for packets that our table has judged; without a mark: none
#   load follow MARK     the same, and again whenever firewalld has emptied Docker's chains (twin-vpc-docker.service)
#   load unload          takes it all away; at destroy only, once the networks are gone
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
self=$here/$(basename -- "$0")

# Two blocks of preferences below Tailscale's 5210, above 1000 where the kernel puts its own rule for VRFs. At any moment one of them holds a complete set: a new set goes into
# the other block first, and only then is the old one taken away. The last preference of a block holds a rule that does
# nothing; it is written last, so a block that has it is complete, whatever was killed when.
A_FIRST=1001
A_LAST=3099
B_FIRST=3100
B_LAST=5199

say() {
    printf 'twin-vpc: %s\n' "$*" >&2
}

# listing FAMILY FIRST LAST: our rules of a block as the kernel names them. A stranger's rule has another protocol.
listing() {
    ip "$1" -details rule show | awk -F: -v first="$2" -v last="$3" \
        '/ proto kernel$/ && $1 + 0 >= first && $1 + 0 <= last { gsub(/ \[detached\]/, ""); print }'
}

# rules_of FAMILY FIRST LAST: the same without the preferences, so that two blocks can be compared.
rules_of() {
    listing "$@" | sed 's/^[0-9]*:[[:space:]]*//'
}

# is_complete FAMILY FIRST LAST: the block ends with the rule that is written last.
is_complete() {
    listing "$@" | grep -q "^$3:.*nop"
}

# empty FAMILY FIRST LAST: last rule first, so that what admits marked packets outlives what prohibits.
empty() {
    listing "$@" | awk -F: '{ pref[NR] = $1 } END { for (i = NR; i > 0; i--) print "rule del protocol kernel pref " pref[i] }' |
        ip "$1" -batch -
}

# fill FAMILY FIRST LAST FILE: one `ip` process for the whole set. Two rules share a preference (the kernel keeps the
# order in which they came), so that a block has room for 4000. `protocol kernel`: systemd-networkd, when it
# restarts, deletes the rules of every other protocol that it has not made itself.
fill() {
    awk -v first="$2" -v last="$3" '
        NF { printf "rule add pref %d protocol kernel %s\n", first + int(n / 2), $0; n++ }
        END { printf "rule add pref %d protocol kernel nop\n", last }' "$4" | ip "$1" -batch -
}

# dry_run FAMILY FILE: what the kernel will call these rules, learnt in a network namespace that is thrown away.
dry_run() {
    unshare --net -- sh "$self" rules-only "$1" "$2"
}

# load_rules FAMILY FILE: puts the set into the block that is not in force, then takes the old block away.
load_rules() {
    family=$1
    file=$2
    old_first=$B_FIRST old_last=$B_LAST new_first=$A_FIRST new_last=$A_LAST
    if is_complete "$family" "$A_FIRST" "$A_LAST"; then
        # A is asked before B and decides, so with both complete A is the one in force.
        old_first=$A_FIRST old_last=$A_LAST new_first=$B_FIRST new_last=$B_LAST
    fi
    empty "$family" "$new_first" "$new_last" || return 1
    if is_complete "$family" "$old_first" "$old_last"; then
        wanted=$(dry_run "$family" "$file") || {
            say "the policy-routing rules in $file are refused; the rules in force stay"
            return 1
        }
        [ "$(rules_of "$family" "$old_first" "$old_last")" = "$wanted" ] && return 0
    fi
    if ! fill "$family" "$new_first" "$new_last" "$file"; then
        say "the policy-routing rules in $file could not be written; the rules in force stay"
        empty "$family" "$new_first" "$new_last"
        return 1
    fi
    empty "$family" "$old_first" "$old_last"
}

has_ipv6() {
    [ -d /proc/sys/net/ipv6 ]
}

# Which order is never open: every order, as each wall is whole by itself; so both are tried whatever the other does.
# The rules come first because of the very first load and of a boot: with the rules alone nothing is forwarded (no packet
# carries the mark yet), and if the table is then refused it stays so. With the table alone its loss would open all.
load() {
    failed=0 six=''
    if has_ipv6; then
        load_rules -6 "$here/routing-rules6" & # most of it is waiting for the kernel
        six=$!
    fi
    load_rules -4 "$here/routing-rules" || failed=1
    [ -z "$six" ] || wait "$six" || failed=1
    nft -f "$here/ruleset.nft" || failed=1
    return "$failed"
}

# nft as an interactive one: a table with `flags owner` lives as long as the socket that made it. The named pipe is open
# for writing too, in nft itself, so its input never ends; and nft is the process that systemd sees.
hold() {
    pipe=/run/twin-vpc-hold.$$
    mkfifo -m 600 "$pipe" && exec 0<>"$pipe" && rm -f "$pipe" || return 1
    printf 'include "%s"\n' "$here/held.nft" >&0
    exec nft -i >/dev/null
}

# held: whether the table is there, within five seconds.
held() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
        nft list table inet twin_vpc_held >/dev/null 2>&1 && return 0
        sleep 0.2
    done
    say "the table twin_vpc_held is not there; is $here/held.nft right, and the kernel 5.12 or later?"
    return 1
}

# Once as it is, which tells whether this kernel and nft know `flags owner`, and once so that it stays.
rehearse() {
    nft -f "$here/held.nft" &
    as_it_is=$!
    load && wait "$as_it_is" && sed '/^ *flags owner$/d' "$here/held.nft" | nft -f -
}

show_block() {
    if is_complete "$1" "$A_FIRST" "$A_LAST"; then
        rules_of "$1" "$A_FIRST" "$A_LAST"
        listing "$1" "$B_FIRST" "$B_LAST"
    else
        listing "$1" "$A_FIRST" "$A_LAST"
        rules_of "$1" "$B_FIRST" "$B_LAST"
    fi
}

# One line of JSON per table, or `missing`; then the rules of the block in force, without preferences.
show() {
    for table in twin_vpc twin_vpc_host twin_vpc_held; do
        printf 'table inet %s\n' "$table"
        nft --stateless --json list table inet "$table" 2>/dev/null || echo missing
    done
    echo 'ip rule'
    show_block -4
    if has_ipv6; then
        echo 'ip -6 rule'
        show_block -6
    fi
}

docker_rules() {
    iptables -w -S DOCKER-USER 2>/dev/null | grep -e '--comment "\{0,1\}twin-vpc"\{0,1\} '
}

# Docker's own FORWARD policy of DROP would drop what our table allows. The accept asks for the mark that only our table
# sets, on packets which it then judges itself: without the table it matches nothing. It stands after the owner's
# rules, before Docker's closing RETURN.
docker() {
    mark=$1
    command -v iptables >/dev/null || return 0
    iptables -w -S DOCKER-USER >/dev/null 2>&1 || return 0
    wanted=''
    if [ -n "$mark" ] && iptables -w -S FORWARD | grep -qx -e '-P FORWARD DROP'; then
        wanted="-A DOCKER-USER -m mark --mark $mark -m comment --comment twin-vpc -j ACCEPT"
    fi
    [ "$(docker_rules | tr -d '"')" = "$wanted" ] && return 0
    docker_rules | tr -d '"' | while read -r _ chain rule; do
        # shellcheck disable=SC2086 # the words of a rule that carries our own comment
        iptables -w -D "$chain" $rule || exit 1
    done || return 1
    [ -n "$wanted" ] || return 0
    place=$(iptables -w -S DOCKER-USER | awk '$1 == "-A" { n++ } $0 == "-A DOCKER-USER -j RETURN" { print n; exit }')
    if [ -n "$place" ]; then
        iptables -w -I DOCKER-USER "$place" -m mark --mark "$mark" -m comment --comment twin-vpc -j ACCEPT
    else
        iptables -w -A DOCKER-USER -m mark --mark "$mark" -m comment --comment twin-vpc -j ACCEPT
    fi
}

# firewalld empties Docker's chains whenever it reloads or starts; Docker hears of it by a signal and makes them again, a
# moment later and without our accept. There is no other hook than the same signal.
follow() {
    sh "$self" docker "$1"
    busctl monitor \
        --match "type='signal',interface='org.fedoraproject.FirewallD1',member='Reloaded'" \
        --match "type='signal',member='NameOwnerChanged',arg0='org.fedoraproject.FirewallD1'" |
        while read -r line; do
            case $line in
            *Member=*)
                for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                    sleep 0.3
                    sh "$self" docker "$1"
                done
                ;;
            esac
        done
}

# The table first: until the last rule is gone nothing is forwarded from our bridges.
unload() {
    nft -f - <<'EOF' || return 1
table inet twin_vpc {}
delete table inet twin_vpc
table inet twin_vpc_host {}
delete table inet twin_vpc_host
EOF
    # Its own process has ended by then. Where it was loaded unheld, it is an ordinary table.
    if nft list table inet twin_vpc_held >/dev/null 2>&1; then
        nft delete table inet twin_vpc_held || return 1
    fi
    for family in -4 -6; do
        [ "$family" = -4 ] || has_ipv6 || continue
        empty "$family" "$A_FIRST" "$A_LAST" && empty "$family" "$B_FIRST" "$B_LAST" || return 1
    done
}

# The unit and the provider may come at the same time: one after the other.
alone() {
    exec 9<"$here" && flock 9
}

case ${1-} in
'') alone && load ;;
hold) hold ;;
held) held ;;
rehearse) rehearse ;;
show) show ;;
rules-only) fill "$2" "$A_FIRST" "$A_LAST" "$3" && rules_of "$2" "$A_FIRST" "$A_LAST" ;;
docker) alone && docker "${2-}" ;;
follow) follow "$2" ;;
unload) alone && unload ;;
*)
    say "unknown word $1"
    exit 2
    ;;
esac
