# Read into the programs that change the host.
#
# alone WHO: from here to the end of this program no other run changes the host. A kill ends it too: the kernel gives the
# lock back with the last process that has it. The folder is root's alone: whoever else could open the file could keep it
# locked for ever, and in /run/lock anybody may lay a link where root is about to write.
#   stderr      `locked: ` and who has it, when that is still so after a minute
alone() {
    lock=/run/twin-vpc/lock
    for _ in 1 2 3 4 5; do
        mkdir -p -m 0700 "${lock%/*}" && chmod 0700 "${lock%/*}" || return 1
        command exec 7>>"$lock" || continue # plain `exec` would end the program
        if ! flock -w "${PATIENCE:-60}" 7; then
            echo "locked: $(cat "$lock")" >&2
            return 1
        fi
        # A removal that has just ended took the file with it.
        [ /proc/self/fd/7 -ef "$lock" ] || continue
        # Who, for others; without room for it the lock is ours all the same.
        printf '%s\n' "$1" 2>/dev/null >"$lock"
        return 0
    done
    return 1
}
