# The host's sshd and our drop-in: looked at, judged aside, put in place or taken away, put in force.
#
#   sshd look                  what is there: read only; a name and its value in base64 on each line
#   sshd stage WHO ALONE       unpacks what comes as a tar archive in base64 on stdin, and has sshd judge it together with
#                              all that others have told it, in a mount namespace of its own; nothing in force is touched
#   sshd install WHO ALONE     puts the staged drop-in in its place, or takes ours away if none is staged, and in force
#   sshd restored              puts in force what a rollback has put back
#   sshd tidy                  takes away the SELinux labels of ports that sshd no longer listens on
#   sshd forget WHO            removes what was staged
#
#   stdout      stage, install: all of sshd's settings then (`sshd -T`)
#   exit        10: no room, 11: sshd refuses it, 14 and 27: another run, 21: a file, 22: an SELinux label, 28: sshd refuses
#               what is there, 29: sshd does not listen as it should
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
stage=/run/twin-vpc-stage-sshd
folder=/etc/ssh/sshd_config.d
drop_in=$folder/00-twin-vpc.conf
# Whether sshd has yet to be told of a changed file, even by the run after one that was killed.
tell=/run/twin-vpc-sshd.tell
unit=ssh.service
systemctl cat ssh.service >/dev/null 2>&1 || unit=sshd.service

answer() {
    name=$1
    shift
    printf '%s %s\n' "$name" "$("$@" 2>/dev/null </dev/null | base64 -w 0)"
}

missing_programs() {
    for program in sshd ss systemctl unshare mount flock tar awk; do
        command -v "$program" >/dev/null || printf '%s ' "$program"
    done
}

# Every port that a daemon called sshd listens on, with its process and command. A session that forwards a port is none.
listening() {
    ss -Hltnp | awk '/"sshd",pid=/ {
        n = split($4, part, ":"); match($0, /"sshd",pid=[0-9]+/); print part[n], substr($0, RSTART + 11, RLENGTH - 11)
    }' | sort -u | while read -r port pid; do
        said=$(tr '\0' ' ' <"/proc/$pid/cmdline") || continue
        case $said in 'sshd: '*'[listener]'*) ;; 'sshd: '*) continue ;; esac
        printf '%s %s %s\n' "$port" "$pid" "$said"
    done
}

selinux() {
    command -v selinuxenabled >/dev/null && selinuxenabled
}

look() {
    answer uid id -u
    answer missing missing_programs
    answer effective sshd -T
    answer listening listening
    answer unit printf '%s' "$unit"
    answer running systemctl is-active "$unit" ssh.socket sshd.socket
    answer main systemctl show --property=MainPID --value "$unit"
    answer addresses grep -Ein '^[[:space:]]*ListenAddress' /etc/ssh/sshd_config "$folder"/*.conf
    ! selinux || answer selinux echo yes
    [ ! -d "$folder" ] || answer folder echo yes
    [ ! -f "$drop_in" ] || answer "file:$drop_in" cat "$drop_in"
    exit 0
}

refuse() {
    rm -rf "$stage"
    exit "$1"
}

# Nobody else sees the folder that is mounted here, so what is judged lies under the very names that it will have.
judge() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount -- sh -c '
        mkdir "$1/judged" || exit 10
        for file in "$2"/*.conf; do
            [ ! -f "$file" ] || cp -p "$file" "$1/judged/" || exit 10
        done
        rm -f "$1/judged/${3##*/}"
        [ ! -f "$1$3" ] || cp "$1$3" "$1/judged/" || exit 10
        mount --bind "$1/judged" "$2" || exit 10
        sshd -t || exit 11
        sshd -T || exit 11' judge "$stage" "$folder" "$drop_in"
}

stage() {
    eval "$2"
    alone "$1" || exit 14
    rm -rf "$stage" && mkdir -m 0700 "$stage" && base64 -d | tar -x -C "$stage" -f - || refuse 10
    printf '%s\n' "$1" >"$stage/run" || refuse 10
    judge || refuse $?
    rm -rf "$stage/judged"
}

# The sockets that sshd itself listens on: another one means that it has read its settings anew.
sockets() {
    ss -Hltnpe | awk -v process="\"sshd\",pid=$(systemctl show --property=MainPID --value "$unit")," '
        index($0, process) { n = split($4, part, ":"); match($0, /ino:[0-9]+/); print part[n], substr($0, RSTART, RLENGTH) }'
}

ports() {
    cut -d' ' -f1 | sort -un | tr '\n' ' '
}

wanted_ports() {
    sshd -T | sed -n 's/^listenaddress .*:\([0-9]*\)$/\1/p' | ports
}

in_force() {
    sshd -t || return 28
    wanted=$(wanted_ports)
    before=$(sockets)
    if [ ! -e "$tell" ] && [ "$(printf '%s\n' "$before" | ports)" = "$wanted" ]; then
        return 0
    fi
    systemctl reset-failed "$unit" 2>/dev/null
    # The sessions that there are live on.
    systemctl reload-or-restart "$unit" || return 29
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
        now=$(sockets)
        if [ "$(printf '%s\n' "$now" | ports)" = "$wanted" ] && ! printf '%s\n' "$before" | grep -qxF "$now"; then
            rm -f "$tell"
            return 0
        fi
        sleep 0.1
    done
    echo "sshd listens on $(printf '%s\n' "$now" | ports)and should on $wanted" >&2
    return 29
}

# One module for each port, so that what a rollback goes back to has its label still.
label_ports() {
    for module in "$stage"/labels/*.cil; do
        [ -f "$module" ] || continue
        name=${module##*/}
        semodule -l | grep -qx "${name%.cil}" || semodule -i "$module" || exit 22
    done
}

tidy() {
    selinux || exit 0
    wanted=" $(wanted_ports)"
    for name in $(semodule -l | grep -x 'twin-vpc-ssh-[0-9]*'); do
        case $wanted in *" ${name##*-} "*) ;; *) semodule -r "$name" || exit 22 ;; esac
    done
}

install() {
    eval "$2"
    alone "$1" || exit 27
    if [ "$(cat "$stage/run" 2>/dev/null)" != "$1" ]; then
        echo "locked: $(cat "$stage/run" 2>/dev/null || echo 'somebody who has removed the staged files')" >&2
        exit 27
    fi
    ! selinux || label_ports
    if [ ! -f "$stage$drop_in" ]; then
        [ ! -e "$drop_in" ] || { : >"$tell" && rm -f "$drop_in"; } || exit 21
        rm -f "$lock" && rmdir --ignore-fail-on-non-empty "${lock%/*}"
    elif ! cmp -s "$stage$drop_in" "$drop_in"; then
        : >"$tell" || exit 21
        cp "$stage$drop_in" "$drop_in.new" && chmod 0600 "$drop_in.new" && mv -f "$drop_in.new" "$drop_in" || {
            rm -f "$drop_in.new"
            exit 21
        }
    fi
    in_force || exit $?
    sshd -T
    rm -rf "$stage"
}

word=$1
shift
case $word in
look) look ;;
stage) stage "$@" ;;
install) install "$@" ;;
restored)
    : >"$tell"
    in_force
    ;;
tidy) tidy ;;
forget) [ "$(cat "$stage/run" 2>/dev/null)" != "$1" ] || rm -rf "$stage" ;;
*) exit 2 ;;
esac
