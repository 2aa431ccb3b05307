"""The home LAN and the Internet around the host: five network namespaces, joined by veth pairs.

    internet 203.0.113.10 --- 203.0.113.1 router 192.168.1.1 --- bridge in `lan` --- nas .20, laptop .30, dell .10

Links are made inside the namespaces, so the machine's own network namespace never sees one. The router is the worst
a home could have: it forwards everything both ways, translates nothing, and knows the way to the segments and to
Docker's network. So what does not pass is stopped by the host and not by a missing route, and the Internet sees the
host's own masquerading. There is no way out of this world: every default route ends in the Internet's namespace,
which has none and forwards nothing.
"""

from ipaddress import IPv4Address
from pathlib import Path

from sandbox.command import run
from sandbox.dell import mounts
from sandbox.dell.site import (
    DELL,
    INTERNET,
    LAPTOP,
    NAS,
    NETNS_FOLDER,
    RESOLVER,
    ROUTER,
    WAN_ROUTER,
    Site,
)

PLACES = ("internet", "router", "lan", "nas", "laptop")
BRIDGE = "br-lan"
_BEHIND_DELL = ("10.0.0.0/16", "172.17.0.0/16")
"""The segments and Docker's first network: what somebody on the LAN must know to try the host's walls."""
_MARK = Path("/run/twin-vpc.netns")
"""Exists when a sandbox was the first here to use named network namespaces: then iproute2's mount goes with it."""


def create(site: Site) -> None:
    """Make the namespaces, links, addresses and routes; none of them may exist yet."""
    if NETNS_FOLDER not in mounts.points():
        _MARK.touch()
    for place in PLACES:
        run("ip", "netns", "add", site.netns(place))
        _ip(site, place, "link set lo up")
        _set(site, place)
    _ip(site, "lan", f"link add {BRIDGE} type bridge stp_state 0 forward_delay 0")
    _ip(site, "lan", f"link set {BRIDGE} up")
    _cable(site, ("router", "wan0", WAN_ROUTER), ("internet", "eth0", INTERNET))
    _plug(site, "router", ROUTER, "lan0")
    _plug(site, "nas", NAS)
    _plug(site, "laptop", LAPTOP)
    _ip(site, "internet", f"addr add {RESOLVER}/32 dev lo")
    _ip(site, "router", f"route add default via {INTERNET}")
    for prefix in ("192.168.1.0/24", *_BEHIND_DELL):
        _ip(site, "internet", f"route add {prefix} via {WAN_ROUTER}")
    for place in ("nas", "laptop"):
        _ip(site, place, f"route add default via {ROUTER}")
    for place in ("router", "nas", "laptop"):
        for prefix in _BEHIND_DELL:
            _ip(site, place, f"route add {prefix} via {DELL}")


def remove(site: Site) -> None:
    """Delete every namespace of the sandbox with its links, and iproute2's mount if nobody else uses it."""
    for path in site.namespaces():
        run("ip", "netns", "delete", path.name)
    if _MARK.exists() and NETNS_FOLDER in mounts.points() and not any(NETNS_FOLDER.iterdir()):
        run("umount", NETNS_FOLDER)
        _MARK.unlink()


def _ip(site: Site, place: str, words: str) -> None:
    run("ip", "-n", site.netns(place), *words.split())


def _set(site: Site, place: str) -> None:
    """Only the router forwards, nobody minds the way a packet came, and the bridge asks no firewall."""
    forward = int(place == "router")
    words = [
        f"net.ipv4.ip_forward={forward}",
        "net.ipv4.conf.all.rp_filter=0",
        "net.ipv4.conf.default.rp_filter=0",
    ]
    if place == "lan":
        words += ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
        if Path("/proc/sys/net/bridge").exists():
            words += ["net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0"]
    run("ip", "netns", "exec", site.netns(place), "sysctl", "-q", "-w", *words)


def _cable(site: Site, one: tuple[str, str, IPv4Address], other: tuple[str, str, IPv4Address]) -> None:
    """A veth pair between two places, each end given as place, link name and address in a /24."""
    _ip(site, one[0], f"link add {one[1]} type veth peer name {other[1]} netns {site.netns(other[0])}")
    for place, link, address in (one, other):
        _ip(site, place, f"addr add {address}/24 dev {link}")
        _ip(site, place, f"link set {link} up")


def _plug(site: Site, place: str, address: IPv4Address, link: str = "eth0") -> None:
    """A veth pair from a place to the LAN's bridge, where its end carries the place's name."""
    _ip(site, place, f"link add {link} type veth peer name {place} netns {site.netns('lan')}")
    _ip(site, "lan", f"link set {place} master {BRIDGE} up")
    _ip(site, place, f"addr add {address}/24 dev {link}")
    _ip(site, place, f"link set {link} up")
