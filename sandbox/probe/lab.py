"""A plain lab: the host's network without libvirt, Docker or a container, in namespaces that have no name.

    internet 203.0.113.10 --- 203.0.113.1 router 192.168.1.1 (a bridge) --- nas 192.168.1.20
                                                                        --- eno1 192.168.1.10 host
    host: a bridge with two guests for each segment, and docker0 with one container (published: 8080 -> 80)

The router is the worst a home could have: it forwards everything both ways, translates nothing, and knows the way to
the segments and to Docker's network. So a closed cell is closed by the host, never by a missing route.
Nothing is left behind whatever happens: the namespaces vanish with this process.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from sandbox.probe import measure as measuring
from sandbox.probe.namespaces import Anonymous, ip_batch, run_inside
from sandbox.probe.stands import End, Stand
from twinvpc.model.nodes import Node
from twinvpc.proof.probes import Observation, Probe

UPLINK = "eno1"
HOST = IPv4Address("192.168.1.10")
ROUTER = IPv4Address("192.168.1.1")
NAS = IPv4Address("192.168.1.20")
WAN_ROUTER = IPv4Address("203.0.113.1")
INTERNET = IPv4Address("203.0.113.10")
RESOLVER = IPv4Address("198.51.100.53")
DOCKER_ROUTER = IPv4Address("172.17.0.1")
CONTAINER = IPv4Address("172.17.0.2")
PUBLISHED = 8080
"""Port of the host that leads to port 80 of the container, as `docker run -p 8080:80` does it."""

FIRST_GUEST, SECOND_GUEST = 201, 202
"""Places of a segment's two guests in its block, clear of router addresses and of what static machines usually take."""

_FIRST_RULE = 100
_LAST_RULE = 999
_DOCKER = f"""
table ip lab_docker {{
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local iifname != "docker0" tcp dport {PUBLISHED} dnat to {CONTAINER}:80
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 172.17.0.0/16 oifname != "docker0" masquerade
    }}
}}
"""


class Segment(Protocol):
    """What the lab needs to know of a segment; `twinvpc.addressing.plan.SegmentPlan` fits."""

    @property
    def name(self) -> str:
        """The segment."""
        ...

    @property
    def bridge(self) -> str:
        """Its bridge."""
        ...

    @property
    def cidr(self) -> IPv4Network:
        """Its block."""
        ...


@dataclass(frozen=True)
class LabSegment:
    """A segment of the lab, for tests that have no plan."""

    name: str
    bridge: str
    cidr: IPv4Network


SEGMENTS = tuple(
    LabSegment(name, f"br-{name}", IPv4Network(f"10.0.{number}.0/24"))
    for number, name in enumerate(("management", "public", "private", "database", "container"))
)
"""The owner's five, with their addresses."""


class Lab:
    """The lab, from `create` until it is left: `with Lab.create() as lab`.

    Attributes:
        segments: what it was made for.
        stands: where each node stands: every segment, internet, lan, host, docker0.
        host: file of the host's namespace.
        router: file of the router's namespace.
    """

    def __init__(self, segments: Sequence[Segment], places: Mapping[str, Anonymous], closing: ExitStack) -> None:
        self.segments = tuple(segments)
        self.host = places["host"].path
        self.router = places["router"].path
        self.stands: Mapping[str, Stand] = MappingProxyType(_stands(self.segments, places))
        self._closing = closing

    @classmethod
    def create(cls, segments: Iterable[Segment] = SEGMENTS) -> Self:
        """Make the whole lab, with no rules but Docker's: everything is open.

        Args:
            segments: name, bridge and block of each.

        Raises:
            CommandError: a link or an address could not be made. Nothing is left of the lab then.
            OSError: this process may not make namespaces.
        """
        own = tuple(segments)
        with ExitStack() as closing:
            places = {name: _place(closing) for name in _place_names(own)}
            _build(own, places)
            return cls(own, places, closing.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the namespaces go."""
        self._closing.close()

    def load(self, ruleset: str, routing_rules: Sequence[str] = (), routing_rules6: Sequence[str] = ()) -> None:
        """Load a policy as the host provider does, in place of the one that was loaded before.

        Args:
            ruleset: nft text; `$uplinks` is defined here.
            routing_rules: what follows `pref N` in `ip rule add`, in order.
            routing_rules6: the same for `ip -6`.

        Raises:
            CommandError: nft or ip refuses it.
        """
        self.load_tables(ruleset)
        self.load_routing_rules(routing_rules, routing_rules6)

    def load_tables(self, ruleset: str) -> None:
        """Load the nft part alone; see `load`."""
        self.nft(f'define uplinks = {{ "{UPLINK}" }}\n{ruleset}')

    def load_routing_rules(self, routing_rules: Sequence[str], routing_rules6: Sequence[str]) -> None:
        """Put routing rules in place of those that were loaded before; see `load`."""
        self.flush_routing_rules()
        for family, rules in (("-4", routing_rules), ("-6", routing_rules6)):
            lines = [f"rule add pref {_FIRST_RULE + number} {rule}" for number, rule in enumerate(rules)]
            run_inside(self.host, "ip", family, "-batch", "-", stdin="".join(f"{line}\n" for line in lines))

    def nft(self, text: str) -> str:
        """Run nft text on the host, such as `delete table inet twin_vpc`; return what nft said."""
        return run_inside(self.host, "nft", "-f", "-", stdin=text)

    def flush_routing_rules(self) -> None:
        """Take away every routing rule that `load` made."""
        for family in ("-4", "-6"):
            prefs = [int(line.partition(":")[0]) for line in self.on_host("ip", family, "rule").splitlines()]
            lines = [f"rule del pref {pref}\n" for pref in prefs if _FIRST_RULE <= pref <= _LAST_RULE]
            run_inside(self.host, "ip", family, "-batch", "-", stdin="".join(lines))

    def on_host(self, *argv: str) -> str:
        """Run a program in the host's namespace and return its standard output."""
        return run_inside(self.host, *argv)

    def measure(self, probes: Iterable[Probe]) -> tuple[Observation, ...]:
        """Try probes with packets; see `sandbox.probe.measure`."""
        return measuring.measure(probes, self.stands)


def _place_names(segments: Sequence[Segment]) -> tuple[str, ...]:
    guests = [f"{segment.name}-{number}" for segment in segments for number in (1, 2)]
    return ("host", "router", "nas", "internet", "docker0", *guests)


def _place(closing: ExitStack) -> Anonymous:
    place = Anonymous()
    closing.callback(place.close)
    return place


def _guests(segment: Segment) -> tuple[IPv4Address, IPv4Address]:
    return segment.cidr[FIRST_GUEST], segment.cidr[SECOND_GUEST]


def _build(segments: Sequence[Segment], places: Mapping[str, Anonymous]) -> None:
    """Links are made from the host's and the router's side, which then move the other end away."""
    at = {name: place.path for name, place in places.items()}
    for name, netns in at.items():
        _settings(netns, forward=name in {"host", "router"})
    ip_batch(at["router"], _router_lines(at))
    ip_batch(at["host"], [*_host_lines(at), *(line for s in segments for line in _segment_lines(s, at))])
    behind = ["172.17.0.0/16", *(str(s.cidr) for s in segments)]
    to_segments = [f"route add {block} via {HOST}" for block in behind]
    ip_batch(at["router"], to_segments)
    ip_batch(at["nas"], [*_end_lines(NAS, 24, ROUTER), *to_segments])
    ip_batch(at["internet"], [*_end_lines(INTERNET, 24, WAN_ROUTER), f"addr add {RESOLVER}/32 dev lo"])
    ip_batch(at["docker0"], _end_lines(CONTAINER, 16, DOCKER_ROUTER))
    for segment in segments:
        for number, address in enumerate(_guests(segment), 1):
            lines = _end_lines(address, segment.cidr.prefixlen, segment.cidr[1])
            ip_batch(at[f"{segment.name}-{number}"], lines)
    run_inside(at["host"], "nft", "-f", "-", stdin=_DOCKER)


def _settings(netns: Path, *, forward: bool) -> None:
    """Nobody minds the way a packet came, so that a false source is stopped by rules or not at all.

    Every refusal is told: kernels send six errors to one address at once and then one a second, and a test would wait
    for silence instead. A kernel that counts them for all namespaces together (before 6.13) keeps its second limit.
    """
    words = ["net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv4.icmp_ratelimit=0"]
    if forward:
        # a router that still believes others: the worst that could meet a rogue router advertisement
        words += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.default.accept_ra=2"]
    run_inside(netns, "sysctl", "-q", "-w", *words)
    run_inside(
        netns, "sysctl", "-q", "-e", "-w", *(f"net.ipv4.icmp_msgs_{word}=1000000" for word in ("per_sec", "burst"))
    )


def _router_lines(at: Mapping[str, Path]) -> list[str]:
    return [
        "link set lo up",
        *_bridge_lines("lan0", ROUTER, 24),
        *_plug_lines("lan0", "nas", at["nas"]),
        f"link add dell type veth peer name {UPLINK} netns {at['host']}",
        "link set dell master lan0 up",
        f"link add wan0 type veth peer name eth0 netns {at['internet']}",
        f"addr add {WAN_ROUTER}/24 dev wan0",
        "link set wan0 up",
    ]


def _host_lines(at: Mapping[str, Path]) -> list[str]:
    return [
        "link set lo up",
        f"addr add {HOST}/24 dev {UPLINK}",
        f"link set {UPLINK} up",
        f"route add default via {ROUTER}",
        *_bridge_lines("docker0", DOCKER_ROUTER, 16),
        *_plug_lines("docker0", "veth-docker", at["docker0"]),
    ]


def _segment_lines(segment: Segment, at: Mapping[str, Path]) -> list[str]:
    number = segment.cidr.network_address.packed.hex()
    guests = [_plug_lines(segment.bridge, f"g{number}-{n}", at[f"{segment.name}-{n}"]) for n in (1, 2)]
    lines = _bridge_lines(segment.bridge, segment.cidr[1], segment.cidr.prefixlen)
    return [*lines, *(line for guest in guests for line in guest)]


def _bridge_lines(name: str, address: IPv4Address, prefix: int) -> list[str]:
    return [
        f"link add name {name} type bridge stp_state 0 forward_delay 0",
        f"addr add {address}/{prefix} dev {name}",
        f"link set {name} up",
    ]


def _plug_lines(bridge: str, link: str, guest: Path) -> list[str]:
    return [f"link add name {link} type veth peer name eth0 netns {guest}", f"link set {link} master {bridge} up"]


def _end_lines(address: IPv4Address, prefix: int, router: IPv4Address) -> list[str]:
    return [
        "link set lo up",
        f"addr add {address}/{prefix} dev eth0",
        "link set eth0 up",
        f"route add default via {router}",
    ]


def _stands(segments: Sequence[Segment], places: Mapping[str, Anonymous]) -> dict[str, Stand]:
    at = {name: place.path for name, place in places.items()}
    routers = {segment.name: segment.cidr[1] for segment in segments}
    found = {
        Node.INTERNET.value: Stand(Node.INTERNET, at["internet"], INTERNET),
        Node.LAN.value: Stand(Node.LAN, at["nas"], NAS),
        Node.HOST.value: Stand(Node.HOST, at["host"], HOST, towards=MappingProxyType(routers)),
        Node.DOCKER0.value: Stand(Node.DOCKER0, at["docker0"], CONTAINER),
    }
    for segment in segments:
        first, second = _guests(segment)
        server = End(at[f"{segment.name}-2"], second)
        found[segment.name] = Stand(segment.name, at[f"{segment.name}-1"], first, server)
    return found
