"""Ports of the host that lead to machines, as the owner means them: the only way from outside into a segment.

Cells say nothing of them: towards a segment the LAN stays denied, and the host's own ports are not ours to rule.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address

from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import Clients
from twinvpc.proof.probes import Expectation, Probe


@dataclass(frozen=True, order=True)
class Way:
    """A port of the host that leads to a machine's sshd.

    Attributes:
        machine: the machine.
        segment: where it stands.
        address: its address.
        port: the port, on the host and on the machine.
        openers: nodes that may come that way.
    """

    machine: str
    segment: str
    address: IPv4Address
    port: int
    openers: frozenset[str]


def ways(intent: Intent) -> tuple[Way, ...]:
    """Every machine's way: from the LAN, and from the tailnet where the host is in one (V4)."""
    stack = intent.stack
    if not isinstance(stack, LibvirtStack):
        return ()
    openers = {Node.LAN.value} | ({Node.TAILNET.value} if stack.tailnet else set[str]())
    return tuple(
        sorted(
            Way(name, own.segment, own.address, own.ssh_port, frozenset(openers))
            for name, own in stack.machines.items()
        )
    )


def forwarded(ways: Iterable[Way], measured: Iterable[str], clients: Clients) -> tuple[Expectation, ...]:
    """What should come of a try at the host's own address, from every node, on every machine's port.

    The destination of such a probe is the machine. The host itself is left out: it reaches machines directly.

    Args:
        ways: all machines.
        measured: nodes that can be stood in.
        clients: their addresses; whoever comes this way is seen under their own.
    """
    nodes = [node for node in measured if node != Node.HOST]
    return tuple(
        Expectation(
            Probe(node, way.machine, Protocol.TCP, way.port),
            node in way.openers,
            clients.own[node] if node in way.openers else None,
        )
        for way in ways
        for node in nodes
    )
