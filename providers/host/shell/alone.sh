# Read into the programs that change the host.
#
# alone WHO: from here to the end of this program no other run changes the host. A kill ends it too: the kernel gives the
# lock back with the last process that has it.
#   stderr      `locked: ` and who has it, when that is still so after a minute
alone() {
    lock=/run/lock/twin-vpc.lock
    mkdir -p "${lock%/*}"
    for _ in 1 2 3 4 5; do
        exec 7>>"$lock" || return 1
        if ! flock -w "${PATIENCE:-60}" 7; then
            echo "locked: $(cat "$lock")" >&2
            return 1
        fi
        # A removal that has just ended took the file with it.
        [ /proc/self/fd/7 -ef "$lock" ] || continue
        printf '%s\n' "$1" >"$lock"
        return
    done
    return 1
}
