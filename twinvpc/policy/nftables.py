"""The policy as nftables text: a table with two gates, and two more that stand when it does not.

`inet twin_vpc` holds the gates, `inet twin_vpc_host` is the host's second wall, `inet twin_vpc_held` its third.

Words that mean something else in nft: `flow` and `fwd` are reserved there, so no set or chain is called so; `inet`
tables see IPv4 and IPv6 alike; an `accept` ends this table only, a `drop` or `reject` ends the packet; bridged frames
come past here too once br_netfilter is loaded. `$uplinks` is defined by whoever loads the text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from twinvpc.addressing.plan import LibvirtPlan
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.nodes import Node
from twinvpc.model.services import ICMP, Protocol, Service
from twinvpc.policy import forwards
from twinvpc.policy import nftables_chains as chains
from twinvpc.policy.terms import Policy, Term, UnsupportedTermError

# Everything that is not the public Internet (IANA special-purpose registry). The documentation ranges 192.0.2.0/24,
# 198.51.100.0/24 and 203.0.113.0/24 are left out on purpose: they are routed nowhere, and the sandbox plays Internet
# there.
NOT_PUBLIC = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)
_INDENT = "    "


@dataclass(frozen=True)
class Target:
    """What a ruleset is rendered for: addresses and interfaces of one host."""

    plan: LibvirtPlan
    stack: LibvirtStack

    @property
    def bridges(self) -> dict[str, str]:
        """Bridge of each segment."""
        return {segment.name: segment.bridge for segment in self.plan.segments}

    @property
    def blocks(self) -> dict[str, IPv4Network]:
        """Block of each segment."""
        return {segment.name: segment.cidr for segment in self.plan.segments}

    @property
    def interfaces(self) -> dict[str, str]:
        """Interface of every node that has one fixed name."""
        found = self.bridges | {Node.DOCKER0.value: self.stack.docker.bridge}
        if self.stack.tailnet:
            found[Node.TAILNET.value] = self.stack.tailnet.interface
        return found


def render(policy: Policy, target: Target) -> str:
    """Both tables that a load replaces in one nft transaction.

    Args:
        policy: the permissions.
        target: the host's addresses and interfaces.

    Raises:
        UnsupportedTermError: a term that has no rule here, with both nodes named.
    """
    _refuse_unsupported(policy, target)
    tables = ("twin_vpc", "twin_vpc_host")
    head = [line for table in tables for line in (f"table inet {table} {{}}", f"delete table inet {table}")]
    return "\n".join([*head, "", *_main_table(policy, target), "", *_host_table(policy, target), ""])


def render_held(policy: Policy, target: Target) -> str:
    """Table `inet twin_vpc_held`, for the process that holds it: guest → host once more, and the guard.

    `flags owner` (kernel 5.12): other processes can neither change nor delete it, and their `flush ruleset` leaves it
    out. It goes when its process ends, so the two other tables never lean on it.
    """
    sets = [*_place_sets(target), *_source_sets(target), *_host_sets(policy, target)]
    return "\n".join(["table inet twin_vpc_held {", *_indented(["flags owner", *sets, *chains.HELD]), "}", ""])


def _refuse_unsupported(policy: Policy, target: Target) -> None:
    inner = set(target.bridges)
    open_to = inner | {Node.INTERNET, Node.LAN, Node.HOST, Node.DOCKER0}
    opened_by = inner | {Node.LAN, Node.DOCKER0} | ({Node.TAILNET} if target.stack.tailnet else set[Node]())
    for term in policy.terms:
        ends_known = term.source in opened_by and term.destination in open_to
        if not ends_known or not {term.source, term.destination} & inner:
            raise UnsupportedTermError(f"no nftables rule can say `{term.source}` → `{term.destination}` on this host")
        if term.destination == Node.HOST and term.everything:
            raise UnsupportedTermError(f"`{term.source}` → `host` with every service would open the host itself")


def _main_table(policy: Policy, target: Target) -> list[str]:
    sets = [
        *_place_sets(target),
        *_segment_sets(target),
        *_source_sets(target),
        *_outside_sets(target),
        *_leave_sets(policy, target),
        *_enter_sets(policy, target),
        *_host_sets(policy, target),
        *forwards.sets(policy.forwards),
    ]
    own = forwards.chains(chains.MAIN, policy, target.stack)
    return ["table inet twin_vpc {", *_indented([*sets, *own]), "}"]


def _host_table(policy: Policy, target: Target) -> list[str]:
    """Guest → host judged once more, and the seals of the gates asked for: both stand when the main table is gone."""
    sets = [*_place_sets(target), *_segment_sets(target), *_host_sets(policy, target)]
    return ["table inet twin_vpc_host {", *_indented([*sets, *chains.HOST]), "}"]


def _place_sets(target: Target) -> list[str]:
    """Which bridges and blocks are ours, those of removed segments included, and what belongs on each."""
    segments = target.plan.segments
    blocks = [*(s.cidr for s in segments), *(old.cidr for old in target.plan.retired if old.cidr)]
    return [
        *_set("segments", "ifname", [_q(s.bridge) for s in segments]),
        *_set("retired", "ifname", [_q(old.bridge) for old in target.plan.retired]),
        *_set("blocks", "ipv4_addr", map(str, blocks), interval=True),
        *_set("own_router", "ifname . ipv4_addr", [f"{_q(s.bridge)} . {s.router}" for s in segments]),
    ]


def _segment_sets(target: Target) -> list[str]:
    """What stays inside a segment."""
    own = [f"{_q(s.bridge)} . {_q(s.bridge)}" for s in target.plan.segments]
    return _set("same_segment", "ifname . ifname", own)


def _source_sets(target: Target) -> list[str]:
    """What lies in our segments, and what is legal on each bridge."""
    segments = target.plan.segments
    return [
        *_set("networks", "ipv4_addr", [str(s.cidr) for s in segments], interval=True),
        *_set("legal_source", "ifname . ipv4_addr", [f"{_q(s.bridge)} . {s.cidr}" for s in segments], interval=True),
    ]


def _outside_sets(target: Target) -> list[str]:
    """The LAN, and what is not the Internet."""
    lan = str(target.stack.host.lan)
    return [
        *_set("lan", "ipv4_addr", [lan], interval=True),
        *_set("not_public", "ipv4_addr", list(NOT_PUBLIC), interval=True),
    ]


def _leave_sets(policy: Policy, target: Target) -> list[str]:
    """Data of the first gate: by bridge, which interface or which outside may be opened to."""
    at, inner = target.interfaces, target.bridges
    inside = policy.between(inner, [*inner, Node.DOCKER0])
    lines = _family("leave", "ifname . ifname", [(f"{_q(at[t.source])} . {_q(at[t.destination])}", t) for t in inside])
    for node in (Node.INTERNET, Node.LAN):
        terms = policy.between(inner, [node])
        lines += _family(f"leave_{node}", "ifname", [(_q(at[t.source]), t) for t in terms])
    return lines


def _enter_sets(policy: Policy, target: Target) -> list[str]:
    """Data of the second gate: by bridge, which source block or interface may open to it."""
    at, blocks, inner = target.interfaces, target.blocks, target.bridges
    inside = policy.between(inner, inner)
    by_block = [(f"{blocks[t.source]} . {_q(at[t.destination])}", t) for t in inside]
    foreign = policy.between([Node.DOCKER0, Node.TAILNET], inner)
    by_interface = [(f"{_q(at[t.source])} . {_q(at[t.destination])}", t) for t in foreign]
    from_lan = [(_q(at[t.destination]), t) for t in policy.between([Node.LAN], inner)]
    return [
        *_family("enter", "ipv4_addr . ifname", by_block, interval=True),
        *_family("enter_foreign", "ifname . ifname", by_interface),
        *_family("enter_lan", "ifname", from_lan),
    ]


def _host_sets(policy: Policy, target: Target) -> list[str]:
    """Data of the way to the host: who leases, and which services were granted there besides."""
    leasing = [_q(s.bridge) for s in target.plan.segments if s.dhcp]
    terms = policy.between(target.bridges, [Node.HOST])
    ports = [
        f"{_q(target.bridges[term.source])} . {service.protocol} . {_span(service)}"
        for term in terms
        for service in term.services
        if service.protocol in {Protocol.TCP, Protocol.UDP}
    ]
    return [
        *_set("leasing", "ifname", leasing),
        *_set("host_ports", "ifname . inet_proto . inet_service", ports, interval=True),
    ]


def _family(prefix: str, kind: str, entries: list[tuple[str, Term]], *, interval: bool = False) -> list[str]:
    """Three sets for one kind of key: everything, ICMP, and ports."""
    everything = [key for key, term in entries if term.everything]
    icmp = [key for key, term in entries if ICMP in term.services]
    ports = [
        f"{key} . {service.protocol} . {_span(service)}"
        for key, term in entries
        for service in term.services
        if service.protocol in {Protocol.TCP, Protocol.UDP}
    ]
    return [
        *_set(f"{prefix}_any", kind, everything, interval=interval),
        *_set(f"{prefix}_icmp", kind, icmp, interval=interval),
        *_set(f"{prefix}_ports", f"{kind} . inet_proto . inet_service", ports, interval=True),
    ]


def _set(name: str, kind: str, elements: Iterable[str], *, interval: bool = False) -> list[str]:
    lines = [f"set {name} {{", f"{_INDENT}type {kind}"]
    if interval:
        lines.append(f"{_INDENT}flags interval")
    ordered = sorted(elements)
    if ordered:
        lines += [
            f"{_INDENT}elements = {{",
            *(f"{_INDENT * 2}{element}," for element in ordered),
            f"{_INDENT}}}",
        ]
    return [*lines, "}"]


def _span(service: Service) -> str:
    return str(service.first) if service.first == service.last else f"{service.first}-{service.last}"


def _q(interface: str) -> str:
    return f'"{interface}"'


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" if line else line for line in lines]
