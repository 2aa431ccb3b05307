"""Ports of the host that lead to machines (V4): destination NAT, and the one way through both gates that it needs.

A packet is let through because it was translated and goes to a machine's own port, from the LAN or the tailnet. So the
LAN still opens nothing in a segment by itself, and a port that somebody else forwards elsewhere opens nothing either. A
stack without machines has none of this in its rules.
"""

from collections.abc import Iterable, Iterator, Sequence

from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.nodes import Node
from twinvpc.policy.terms import Forward, Policy

_GATES = ("leave", "enter")
# Every gate has a line that begins so; what comes before it needs no permission, what comes behind it asks for one.
_BEHIND = "    ct state invalid,untracked "


class NoGateError(Exception):
    """A gate does not look as it did when this module was written, so nothing can be let through it."""


def sets(forwards: Sequence[Forward]) -> list[str]:
    """Where each port leads, and which port of which machine may be reached by it."""
    if not forwards:
        return []
    return [
        "map machine_at {",
        "    type inet_service : ipv4_addr",
        *_elements(f"{one.port} : {one.address}" for one in forwards),
        "}",
        "set machine_ports {",
        "    type ipv4_addr . inet_service",
        *_elements(f"{one.address} . {one.port}" for one in forwards),
        "}",
    ]


def chains(lines: Iterable[str], policy: Policy, stack: LibvirtStack) -> list[str]:
    """The chains of the main table, with the way to machines where there are any.

    Args:
        lines: the chains without it.
        policy: holds what is forwarded.
        stack: the host's interfaces.

    Raises:
        NoGateError: a gate has no place for it.
    """
    if not policy.forwards:
        return list(lines)
    outside = _outside(policy, stack)
    opened, missing = list[str](), set(_GATES)
    gate = ""
    for line in lines:
        opened.append(line)
        if line.startswith("chain "):
            gate = line.split()[1]
        if line.startswith(_BEHIND) and gate in missing:
            missing.remove(gate)
            opened += _leave(outside) if gate == "leave" else _enter(outside)
    if missing:
        raise NoGateError(f"no place in chain {', '.join(sorted(missing))} for what is forwarded to machines")
    return [*opened, *_translation(outside)]


def _outside(policy: Policy, stack: LibvirtStack) -> dict[str, str]:
    """How each node that is forwarded for is told, as a client and as who gets the answer."""
    nodes = {source for one in policy.forwards for source in one.sources}
    found: dict[str, str] = {}
    if Node.LAN in nodes:
        found["iifname $uplinks ip saddr @lan"] = "oifname $uplinks ip daddr @lan"
    if Node.TAILNET in nodes and stack.tailnet:
        found[f'iifname "{stack.tailnet.interface}"'] = f'oifname "{stack.tailnet.interface}"'
    return found


def _enter(outside: Iterable[str]) -> Iterator[str]:
    for client in outside:
        yield f"    ct status dnat ct direction original {client} ip daddr . tcp dport @machine_ports goto entered"


def _leave(outside: dict[str, str]) -> Iterator[str]:
    """Answers, by the same measure: they come from the machine's port and go where its clients are."""
    for client in outside.values():
        yield f"    ct status dnat ct direction reply {client} ip saddr . tcp sport @machine_ports goto left"


def _translation(outside: Iterable[str]) -> list[str]:
    """Before Docker's own (dstnat) and before the sign, which looks at the address that comes of it.

    Only what is meant for the host itself is translated, and no router address is a way to a machine.
    """
    return [
        "",
        "chain to_machines {",
        "    type nat hook prerouting priority dstnat - 5; policy accept;",
        *(
            f"    {client} ip daddr != @blocks fib daddr type local dnat ip to tcp dport map @machine_at"
            for client in outside
        ),
        "}",
    ]


def _elements(elements: Iterable[str]) -> list[str]:
    return ["    elements = {", *(f"        {element}," for element in elements), "    }"]
