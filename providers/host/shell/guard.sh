# A change that may cut the owner off takes itself back, unless a new login confirms it in time.
#
#   guard run KIND SECONDS TOKEN BRIDGES PROGRAM [ARGUMENT…]
#                                 arms the rollback if anything would change, then runs the program
#   guard settle KIND TOKEN WHAT  look: what became of it; confirm: it stays; keep: it stays, but what was there before
#                                 it counts as the last confirmed; undo: take it back now
#   guard confirm KIND            the owner's own word that it stays; counts only from an SSH login made after it, from elsewhere
#   guard rollback KIND           what the timer runs
#   guard boot KIND               the same before anything of it is loaded, after a reboot in between
#   guard drop KIND               forget it all, when what it guards is taken away on purpose
#
#   stdout      run: `guard: armed` or `guard: idle`, what the program says, `guard: ended`
#               settle: armed, confirmed, kept, rolled-back or gone
#   exit        27: the rollback cannot be armed; else the program's own
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
systemd=/etc/systemd/system
units='twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service'

word=$1 kind=$2
shift 2
case $kind in
policy) stage=/run/twin-vpc-stage ;;
sshd) stage=/run/twin-vpc-stage-sshd ;;
*) exit 2 ;;
esac
base=/var/lib/twin-vpc-guard
here=$base/$kind
# Beside what it was copied from: all that a rollback needs then are renames, which a full disk does not hinder.
saved=/etc/twin-vpc-before-$kind
name=twin-vpc-rollback-$kind

# paths: what a change of this kind may touch, and so what is saved before and put back after.
paths() {
    if [ "$kind" = policy ]; then
        printf '%s\n' /etc/twin-vpc /etc/sysctl.d/60-twin-vpc.conf "$systemd/nftables.service.d/twin-vpc.conf" \
            /etc/firewalld/zones/twin-vpc.xml
        for unit in $units; do
            printf '%s\n' "$systemd/$unit" "$systemd/multi-user.target.wants/$unit" "$systemd/docker.service.wants/$unit"
        done
        find /etc/firewalld/policies -name 'twin-vpc*.xml' 2>/dev/null
    else
        echo /etc/ssh/sshd_config.d/00-twin-vpc.conf
    fi
}

# One at a time: a confirmation and a rollback that come together must not both win. Nobody but root can open the lock, so
# nobody else can keep it.
alone() {
    for _ in 1 2 3 4 5; do
        mkdir -p -m 0700 "$base" && chmod 0700 "$base" || return 1
        command exec 7>>"$base/lock" || continue # plain `exec` would end the program
        flock -w "${PATIENCE:-60}" 7 || break
        # Whoever has just ended may have taken the file along.
        [ /proc/self/fd/7 -ef "$base/lock" ] && return 0
    done
    echo "another program holds $base/lock" >&2
    return 1
}

# leave: what is left where nothing waits any more is the lock alone.
leave() {
    [ "$(ls -A "$base")" != lock ] || rm -rf "$base"
}

# changes: whether what is staged differs from what is in place. A repair of the kernel alone is no change: it loads what
# was confirmed.
changes() {
    for file in $(cd "$stage" && find etc -type f 2>/dev/null); do
        cmp -s "$stage/$file" "/$file" || return 0
    done
    for file in $(paths); do
        [ -f "$file" ] && [ ! -e "$stage$file" ] && [ ! -L "$file" ] && case $file in
        /etc/firewalld/* | /etc/ssh/*) return 0 ;;
        esac
    done
    return 1
}

# settings: values in force of every sysctl setting that the staged file or the one in place names.
settings() {
    cat "$stage/etc/sysctl.d/60-twin-vpc.conf" /etc/sysctl.d/60-twin-vpc.conf 2>/dev/null |
        sed -n 's/^[[:space:]]*-\{0,1\}[[:space:]]*\([a-z][A-Za-z0-9_./-]*\)[[:space:]]*=.*/\1/p' | sort -u |
        while read -r setting; do
            value=$(sysctl -n "$setting" 2>/dev/null) && printf '%s=%s\n' "$setting" "$value"
        done
}

save() {
    rm -rf "$here" "$saved" "$saved.new" && mkdir -p "$here" "$saved.new/replaced" || return 1
    for path in $(paths); do
        [ ! -e "$path" ] && [ ! -L "$path" ] || echo "$path"
        [ -d "${path%/*}" ] || echo "${path%/*}" >>"$here/folders"
    done >"$here/there"
    paths >"$here/paths"
    (cd / && sed 's,^/,,' "$here/there" | xargs -r cp -a --parents -t "$saved.new") || return 1
    [ "$kind" != policy ] || settings >"$here/settings"
    sync -f /etc
    # Last, by one rename: without it nothing was saved.
    mv "$saved.new" "$saved"
}

unit_text() {
    cat <<END
# Written by the Pulumi provider twin-host while a change waits for its confirmation.
[Unit]
Description=Take back an unconfirmed change of twin-vpc ($kind)
DefaultDependencies=no
Conflicts=shutdown.target
RequiresMountsFor=$here /etc
After=systemd-remount-fs.service
Before=systemd-sysctl.service sysinit.target network-pre.target nftables.service firewalld.service twin-vpc.service
Before=ssh.service sshd.service libvirtd.service virtnetworkd.service docker.service shutdown.target
ConditionPathExists=$here/armed

[Service]
Type=oneshot
ExecStart=/bin/sh $here/guard boot $kind
TimeoutStartSec=60
END
}

# arm SECONDS TOKEN BRIDGES: from here on the change is taken back unless `settle` hears of it in time. One that waits
# already, after a run that was killed, hands on what it had saved: that was the last confirmed.
arm() {
    [ -d "$saved" ] && [ ! -e "$here/result" ] || save || return 1
    cp "$stage/guard/"* "$here/" && echo "$3" >"$here/bridges" || return 1
    unit_text >"$systemd/$name.service" && chmod 0644 "$systemd/$name.service" || return 1
    # By hand, not by `enable`: systemd reads it at the next boot only, and need not read all units again now.
    mkdir -p -m 0755 "$systemd/sysinit.target.wants" &&
        ln -sf "../$name.service" "$systemd/sysinit.target.wants/$name.service" || return 1
    rm -f "$here/confirmed" && cut -d. -f1 /proc/uptime >"$here/since" || return 1
    echo "$2" >"$here/armed.new" && mv "$here/armed.new" "$here/armed" || return 1
    sync -f "$here" "$systemd"
    for unit in timer service; do
        [ -e "/run/systemd/transient/$name-timer.$unit" ] || continue
        systemctl --quiet stop "$name-timer.$unit" 2>/dev/null
        systemctl --quiet reset-failed "$name-timer.$unit" 2>/dev/null
    done
    systemd-run --quiet --collect --unit="$name-timer" --on-active="$1" --timer-property=AccuracySec=500ms \
        --property=Restart=on-failure --property=RestartSec=5 --property=StartLimitIntervalSec=600 \
        --property=StartLimitBurst=20 \
        /bin/sh "$here/guard" rollback "$kind" >&2
}

# disarm: the removal of `armed` is the moment that counts.
disarm() {
    rm -f "$here/armed"
    rm -f "$systemd/sysinit.target.wants/$name.service" "$systemd/$name.service"
    rmdir "$systemd/sysinit.target.wants" 2>/dev/null
    [ "${1-}" = here ] || systemctl --quiet stop "$name-timer.timer" 2>/dev/null
    sync -f /var/lib
}

forget() {
    rm -rf "$here" "$saved" "$saved.new"
}

# A program that still runs is ended: it would undo the undoing.
end_program() {
    pid=$(cat "$here/pid" 2>/dev/null)
    [ -n "$pid" ] && grep -q twin-vpc "/proc/$pid/cmdline" 2>/dev/null && kill -9 -- "-$pid" 2>/dev/null
    rm -f "$here/pid"
}

# put_back PATH: by a rename, and a folder by two; what came back in an earlier try is no longer among what was saved.
put_back() {
    if [ ! -e "$saved$1" ] && [ ! -L "$saved$1" ]; then
        return 0
    fi
    if [ -d "$1" ] && [ ! -L "$1" ]; then
        rm -rf "$saved/replaced/${1##*/}" && mv -T "$1" "$saved/replaced/${1##*/}" || return 1
    fi
    mkdir -p "${1%/*}" && mv -fT "$saved$1" "$1"
}

put_files_back() {
    [ -d "$saved" ] || return 1
    { cat "$here/paths"; paths; } | sort -u | while read -r path; do
        if ! grep -qxF "$path" "$here/there"; then
            rm -rf "$path" || exit 1
        else
            put_back "$path" || exit 1
        fi
    done || return 1
    [ ! -e "$here/folders" ] || sort -ru "$here/folders" | while read -r folder; do
        [ ! -d "$folder" ] || rmdir --ignore-fail-on-non-empty "$folder"
    done
    ! command -v restorecon >/dev/null || xargs -r restorecon -R <"$here/there"
}

# Our bridges without an earlier policy: the routing rules stay, so nothing is forwarded from or to them.
take_walls_away() {
    for bridge in $(cat "$here/bridges"); do
        if [ -e "/sys/class/net/$bridge" ]; then
            printf 'table inet %s {}\ndelete table inet %s\n' twin_vpc twin_vpc twin_vpc_host twin_vpc_host | nft -f -
            return
        fi
    done
    sh "$here/load" unload
}

put_policy_in_force() {
    done=0
    while IFS='=' read -r setting value; do
        [ "$(sysctl -n "$setting" 2>/dev/null)" = "$value" ] || sysctl --quiet --write "$setting=$value" || done=1
    done <"$here/settings"
    systemctl daemon-reload || done=1
    for unit in $units; do
        [ -e "$systemd/$unit" ] || systemctl --quiet stop "$unit" 2>/dev/null
    done
    if [ -f /etc/twin-vpc/load ]; then
        /bin/sh /etc/twin-vpc/load || done=1
        [ ! -e "$systemd/twin-vpc-hold.service" ] || systemctl restart twin-vpc-hold.service || done=1
    else
        take_walls_away || done=1
    fi
    reload_firewalld || done=1
    if systemctl --quiet is-active docker.service; then
        mark=$(sed -n 's/^ExecStart=.*follow //p' "$systemd/twin-vpc-docker.service" 2>/dev/null)
        sh "$here/load" docker "$mark" || done=1
        [ -z "$mark" ] || systemctl --no-block restart twin-vpc-docker.service || done=1
    fi
    return "$done"
}

reload_firewalld() {
    systemctl --quiet is-active firewalld.service || return 0
    code=0
    echo go | python3 -Es "$here/reload_firewalld" || code=1
    # What it gives back when Docker is at rest, a child of it gives back, and systemd ends that with this unit.
    flock -w 30 /etc/firewalld true || code=1
    return "$code"
}

put_sshd_in_force() {
    sh "$here/sshd" restored
}

# roll_back [boot]: after a boot the files are enough, everything else is loaded from them.
roll_back() {
    [ -e "$here/armed" ] || return 0
    end_program
    put_files_back || return 1
    rm -rf "$stage"
    [ "$kind" != policy ] || rm -f /run/twin-vpc.tell-*
    if [ "${1-}" = boot ]; then
        systemctl daemon-reload
    else
        "put_${kind}_in_force" || return 1
    fi
    mv "$here/armed" "$here/result"
    disarm here
    # Where nothing of ours is, nothing of ours stays, unless another run has the host just now.
    [ -e /etc/twin-vpc ] || (exec 7>>/run/twin-vpc/lock && flock -n 7 && rm -rf /run/twin-vpc) 2>/dev/null
    logger -t twin-vpc "an unconfirmed change ($kind) was taken back: no new login came in time" 2>/dev/null
    return 0
}

# login: where the SSH session came from that this program descends from, and how long after the boot it began; `sudo`
# hides the one from the environment, but not from the first process of the session.
login() {
    below='' pid=$$
    while [ "$pid" -gt 1 ]; do
        said=$(cat "/proc/$pid/stat") || return 1
        name=${said#*(}
        rest=${said##*) }
        case ${name%)*} in
        sshd | sshd-session)
            [ -n "$below" ] || return 1
            # shellcheck disable=SC2086 # words of proc(5), from the third on
            set -- $rest
            shift 19
            printf '%s %s\n' "$(($1 / $(getconf CLK_TCK)))" "$(tr '\0' '\n' <"/proc/$below/environ" | sed -n 's/^SSH_CONNECTION=//p')"
            return
            ;;
        esac
        below=$pid
        rest=${rest#* }
        pid=${rest%% *}
    done
    return 1
}

# confirm: what an old session says proves nothing, nor what comes over the loopback.
confirm() {
    [ -e "$here/armed" ] || { echo 'nothing waits for a confirmation' >&2 && return 1; }
    # shellcheck disable=SC2046 # began, client, its port, server, its port
    set -- $(login)
    case ${2-} in '' | 127.* | ::1 | "${4-}") set -- 0 ;; esac
    if [ "${1:-0}" -le "$(cat "$here/since")" ]; then
        echo 'this proves nothing: log in anew by SSH, from another machine, and say it there' >&2
        return 1
    fi
    cp "$here/armed" "$here/confirmed" && disarm && rm -rf "$saved" && echo confirmed
}

# settle TOKEN WHAT
settle() {
    if [ "$(cat "$here/armed" 2>/dev/null)" = "$1" ]; then
        case $2 in
        confirm) disarm && forget && echo confirmed ;;
        keep) disarm && echo kept ;;
        undo)
            roll_back || return 1
            systemctl --quiet stop "$name-timer.timer" 2>/dev/null
            forget
            echo rolled-back
            ;;
        *) echo armed ;;
        esac
    elif [ "$(cat "$here/confirmed" 2>/dev/null)" = "$1" ]; then
        forget
        echo confirmed
    elif [ "$(cat "$here/result" 2>/dev/null)" = "$1" ]; then
        forget
        echo rolled-back
    else
        echo gone
    fi
}

# run SECONDS TOKEN BRIDGES PROGRAM [ARGUMENT…]
run() {
    alone || exit 27
    if [ -e "$here/armed" ] || [ -d "$saved" ] || changes; then
        arm "$1" "$2" "$3" || {
            disarm
            [ -e "$here/result" ] || [ -d "$saved" ] || rm -rf "$here" "$saved.new"
            leave
            echo "the rollback ($kind) cannot be armed" >&2
            exit 27
        }
        echo 'guard: armed'
    else
        leave
        echo 'guard: idle'
    fi
    program=$4
    shift 4
    exec 7<&-
    # In a session of its own, so that a rollback can end all of it.
    # shellcheck disable=SC2016 # expanded by the inner shell
    setsid --wait sh -c '[ ! -d "$1" ] || echo $$ >"$1/pid"; shift; exec sh -c "$@"' twin-vpc \
        "$here" "$program" twin-vpc "$@"
    code=$?
    rm -f "$here/pid"
    echo 'guard: ended'
    exit "$code"
}

case $word in
run) run "$@" ;;
settle) alone && settle "$@" ;;
confirm) alone && confirm ;;
rollback) alone && roll_back ;;
boot) alone && roll_back boot ;;
drop) alone && disarm && forget ;;
*) exit 2 ;;
esac
code=$?
leave
exit "$code"
