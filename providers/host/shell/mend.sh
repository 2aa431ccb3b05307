# Puts libvirt's networks and pools, and the bridges beneath them, back as they should be. Steps come on stdin, a line
# each: a word of the list below and its arguments. Each can be repeated.
#   $1          who runs this
#   $2          the text of `alone`
#   exit        1: a step failed, 27: another run; stderr names it
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
LC_ALL=C
export PATH LC_ALL
who=$1
eval "$2"

libvirt() {
    virsh --quiet --connect qemu:///system "$@"
}

# define WORD XML: the definition comes in base64.
define() {
    printf '%s' "$2" | base64 -d | libvirt "$1" /dev/stdin
}

step() {
    case $1 in
    net-define | pool-define) define "$1" "$2" ;;
    net-start | net-destroy | net-undefine | net-autostart) libvirt "$1" "$2" ;;
    pool-start | pool-destroy | pool-undefine | pool-autostart) libvirt "$1" "$2" ;;
    plug) ip link set dev "$2" master "$3" up ;;
    unplug) ip link set dev "$2" nomaster ;;
    raise) ip link set dev "$2" up ;;
    address) ip address replace "$2" brd + dev "$3" ;;
    unaddress) ip address del "$2" dev "$3" ;;
    *)
        echo "unknown step $1"
        return 1
        ;;
    esac
}

alone "$who" || exit 27
while read -r word first second; do
    if ! said=$(step "$word" "$first" "${second-}" 2>&1 </dev/null); then
        printf '%s %s: %s\n' "$word" "$(printf '%.40s' "$first")" "$said" | tr '\n' ' ' >&2
        exit 1
    fi
done
