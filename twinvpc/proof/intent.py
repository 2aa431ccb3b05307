"""The matrix as the owner means it, read from the files alone. Shares nothing with the renderers but the model."""

from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.model.resolve import resolve
from twinvpc.model.services import ICMP, Protocol, Service
from twinvpc.proof.cells import ALL, Cell, Matrix, cell_of

# What every guest may ask of its own router address (N4), besides what flows grant.
DNS = (Service(Protocol.TCP, 53, 53), Service(Protocol.UDP, 53, 53))
DHCP = Service(Protocol.UDP, 67, 67)


def matrix(intent: Intent) -> Matrix:
    """Read the whole matrix of a stack.

    Inside a segment all is free; the host may open to every segment (N2, N4); everything else is what flows and
    Internet switches name.
    """
    network, stack = intent.network, intent.stack
    ssh_port = stack.host.port if isinstance(stack, LibvirtStack) else 0
    nodes = (*network.segments, *fixed_nodes(intent))
    here = frozenset(nodes)
    services: dict[tuple[str, str], set[Service]] = {}
    for flow in network.flows:
        wanted = resolve(flow.services, network.services, ssh_port=ssh_port)
        for source in here.intersection(flow.source):
            for destination in here.intersection(flow.destination):
                services.setdefault((source, destination), set()).update(wanted)
    for name, segment in network.segments.items():
        wanted = resolve(segment.internet_services, network.services, ssh_port=ssh_port)
        services.setdefault((name, Node.INTERNET.value), set()).update(wanted)
        if isinstance(stack, LibvirtStack):
            own = {*DNS, ICMP, DHCP} if stack.segments[name].dhcp else {*DNS, ICMP}
            services.setdefault((name, Node.HOST.value), set()).update(own)
    cells = {pair: cell_of(wanted) for pair, wanted in services.items() if wanted}
    machines = stack.machines.values() if isinstance(stack, LibvirtStack) else ()
    return Matrix(nodes, cells | _free(intent), frozenset(machine.ssh_port for machine in machines))


def _free(intent: Intent) -> dict[tuple[str, str], Cell]:
    """Cells that are open without a flow."""
    cells = {(name, name): ALL for name in intent.network.segments}
    if isinstance(intent.stack, LibvirtStack):
        cells |= {(Node.HOST.value, name): ALL for name in intent.network.segments}
    return cells


def fixed_nodes(intent: Intent) -> tuple[str, ...]:
    """Fixed nodes that the stack has, in reading order."""
    if not isinstance(intent.stack, LibvirtStack):
        return (Node.INTERNET.value,)
    nodes = (Node.INTERNET.value, Node.LAN.value, Node.HOST.value, Node.DOCKER0.value)
    return (*nodes, Node.TAILNET.value) if intent.stack.tailnet else nodes
