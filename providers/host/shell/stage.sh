# Unpacks new files beside the old ones and has the host judge them. Nothing in force is touched.
#   $1      the text of `check_firewalld`
#   $2      who runs this, for others that come meanwhile
#   $3      the text of `alone`
#   stdin   a tar archive in base64, every file with its whole path
#   stdout  what the kernel will hold once they are loaded
#   exit    11: the rule set is refused, 12: the policy-routing rules, 13: a firewalld file, 14: another run
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
stage=/run/twin-vpc-stage
check=$1 who=$2
eval "$3"

refuse() {
    rm -rf "$stage"
    # Where nothing of ours is, nothing of ours stays: `alone` knows a lock that was taken away.
    [ -e /etc/twin-vpc ] || { rm -f "$lock" && rmdir --ignore-fail-on-non-empty "${lock%/*}"; }
    exit "$1"
}

alone "$who" || exit 14
rm -rf "$stage" && mkdir -m 0700 "$stage" && base64 -d | tar -x -C "$stage" -f - || refuse 10
printf '%s\n' "$who" >"$stage/run" || refuse 10
# firewalld itself would skip a file that it cannot read, and report it in its log only. Its Python is slow to start.
if [ -d "$stage/etc/firewalld" ]; then
    python3 -Es -c "$check" "$stage/etc/firewalld" 2>"$stage/complaint" &
    files=$!
fi
# Side by side with what follows: most of the time is the kernel's, for letting go of what it was shown.
nft -c -f "$stage/etc/twin-vpc/ruleset.nft" 2>"$stage/refused" &
ruleset=$!
# shellcheck disable=SC2016 # expanded by the inner shell
unshare --net -- sh -c '"$1" rehearse && "$1" show' dry-run "$stage/etc/twin-vpc/load" 2>"$stage/refused-there"
rehearsed=$?
if ! wait "$ruleset"; then
    cat "$stage/refused" >&2
    refuse 11
fi
if [ "$rehearsed" != 0 ]; then
    cat "$stage/refused-there" >&2
    refuse 12
fi
if [ -d "$stage/etc/firewalld" ] && ! wait "$files"; then
    cat "$stage/complaint" >&2
    refuse 13
fi
