"""What flows, service names and Internet switches may say. Returns problems, changes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twinvpc.model.network import Flow, Network
from twinvpc.model.nodes import FIXED_NODES, Node
from twinvpc.model.problems import Problem, Rejected
from twinvpc.model.resolve import HOST_SSH, RESERVED_SERVICES, resolve
from twinvpc.model.services import EVERYTHING, Service, parse_service
from twinvpc.model.source import KeyPath, Source

UNKNOWN_OPENER, UNKNOWN_OPENED = "unknown-opener", "unknown-opened"
"""Nodes that stand in for ends of a flow that could not be read; nothing is judged by them."""


@dataclass(frozen=True)
class _Ban:
    """A node that one end of a flow may not be."""

    what: str
    rule: str
    way_out: str


_GATEWAY = _Ban(
    "the MX gateway in a flow",
    "the gateway has rules of its own; flows speak of segments, lan, host, docker0 and tailnet",
    "remove `gateway` from the flow",
)
_AWS_SERVICES = _Ban(
    "`aws-services` in a flow",
    "who reaches AWS's own services is what only an AWS stack says",
    "set `egress.<segment>` to endpoints in the stack file",
)
_BANNED_SOURCES = {
    Node.GATEWAY.value: _GATEWAY,
    Node.AWS_SERVICES.value: _AWS_SERVICES,
    Node.INTERNET.value: _Ban(
        "a flow from `internet`",
        "nothing in a segment is opened to the Internet; mail comes in through the MX gateway",
        "remove the flow",
    ),
    Node.HOST.value: _Ban(
        "a flow from `host`",
        "the host may open connections to every segment already",
        "remove `host` from `from`",
    ),
}
_BANNED_DESTINATIONS = {
    Node.GATEWAY.value: _GATEWAY,
    Node.AWS_SERVICES.value: _AWS_SERVICES,
    Node.INTERNET.value: _Ban(
        "a flow to `internet`",
        "what a segment may open to the Internet is its own switch, so that one line closes it",
        "set `segments.<name>.internet` to true, false or a list of services",
    ),
    Node.TAILNET.value: _Ban(
        "a flow to `tailnet`",
        "the tailnet carries no routes of the segments, so they open nothing there",
        "let the peer open: a flow from `tailnet`",
    ),
}


def check_flows(network: Network, source: Source) -> Iterator[Problem]:
    """Everything that is said about services and about who opens to whom.

    Args:
        network: what was sound in network.yaml.
        source: the file, for names of items that were not sound.
    """
    for name, services in network.services.items():
        yield from _check_definition(name, services, source)
    for name, segment in network.segments.items():
        where = ("segments", name, "internet")
        yield from _resolved(network, source, where, segment.internet_services)[1]
        if HOST_SSH in segment.internet_services:
            yield _misplaced_ssh(source, where)
    segments = source.names("segments")
    known = None if segments is None else segments | FIXED_NODES - {Node.AWS_SERVICES.value}
    for index, flow in enumerate(network.flows):
        yield from _check_ends(index, flow, known, source)
        yield from _check_services(index, flow, network, source)


def _check_definition(name: str, services: Iterable[str], source: Source) -> Iterator[Problem]:
    where = ("services", name)
    if name in RESERVED_SERVICES:
        yield source.problem(where, f"a service called `{name}`", f"`{name}` means a service already", "rename it")
    for text in services:
        if text == HOST_SSH:
            yield _misplaced_ssh(source, where)
            continue
        try:
            parse_service(text)
        except Rejected as error:
            rule = "a name under `services` stands for services, not for other names"
            yield source.problem(where, error.what, rule, "write out what it stands for, for example tcp/5432")


def _check_ends(index: int, flow: Flow, known: frozenset[str] | None, source: Source) -> Iterator[Problem]:
    """Problems with both ends; `known` are all nodes there are, or None where the segments could not be read."""
    ends = (("from", flow.source, _BANNED_SOURCES), ("to", flow.destination, _BANNED_DESTINATIONS))
    for key, nodes, banned in ends:
        where = ("flows", index, key)
        for node in dict.fromkeys(nodes):
            if node in banned:
                yield source.problem(where, banned[node].what, banned[node].rule, banned[node].way_out)
            elif known is not None and node not in known and node not in {UNKNOWN_OPENER, UNKNOWN_OPENED}:
                what, rule = f"`{node}` is neither a segment nor a node", f"known: {', '.join(sorted(known))}"
                yield source.problem(where, what, rule, f"add segment `{node}`, or correct the name")
    for node in sorted({*flow.source} & {*flow.destination} - FIXED_NODES):
        what = f"`{node}` on both ends of a flow"
        yield source.problem(("flows", index, "to"), what, "inside a segment everything is free", f"remove `{node}`")
    foreign = next((s for s in flow.source if s in FIXED_NODES and s not in _BANNED_SOURCES), None)
    if foreign and any(d in FIXED_NODES and d not in _BANNED_DESTINATIONS for d in flow.destination):
        yield source.problem(
            ("flows", index, "to"),
            f"a flow from `{foreign}` that does not end in a segment",
            "one end of every flow is a segment; what other nodes do among themselves is not ours to rule",
            "split the flow, or remove that end",
        )


def _check_services(index: int, flow: Flow, network: Network, source: Source) -> Iterator[Problem]:
    where = ("flows", index, "services")
    services, problems = _resolved(network, source, where, flow.services)
    yield from problems
    if HOST_SSH in flow.services and set(flow.destination) != {Node.HOST}:
        yield _misplaced_ssh(source, where)
    if EVERYTHING in services and Node.HOST in flow.destination:
        what, rule = "every service of the host itself", "a guest reaches on the host only what is named (N4)"
        yield source.problem(where, what, rule, "name the services, for example host-ssh")


def _resolved(
    network: Network, source: Source, where: KeyPath, names: Iterable[str]
) -> tuple[set[Service], list[Problem]]:
    """What names stand for, and those that stand for nothing; a name whose definition is broken was told there."""
    defined = source.names("services") if source.has("services") else frozenset[str]()
    services: set[Service] = set()
    problems: list[Problem] = []
    for name in names:
        try:
            services.update(resolve((name,), network.services, ssh_port=1))
        except Rejected as error:
            if defined is not None and name not in defined:
                problems.append(source.problem(where, error.what, error.rule, error.way_out))
    return services, problems


def _misplaced_ssh(source: Source, where: KeyPath) -> Problem:
    what, rule = f"`{HOST_SSH}` away from the host", "it is the port of the host's own sshd"
    return source.problem(where, what, rule, "use it in a flow to `host` only")
