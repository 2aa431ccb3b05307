"""The matrix as the owner means it, read from the files alone. Shares nothing with the renderers but the model."""

from collections.abc import Mapping

from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.nodes import Node
from twinvpc.model.resolve import resolve
from twinvpc.model.services import ICMP, Protocol, Service
from twinvpc.proof.cells import ALL, Cell, Matrix, cell_of

# What every guest may ask of its own router address (N4), besides what flows grant.
DNS = (Service(Protocol.TCP, 53, 53), Service(Protocol.UDP, 53, 53))
DHCP = Service(Protocol.UDP, 67, 67)

# Every API of AWS answers on this port, and nothing else of a task's needs goes by endpoints.
AWS_API = Service(Protocol.TCP, 443, 443)


def matrix(intent: Intent) -> Matrix:
    """Read the whole matrix of a stack.

    Inside a segment all is free; the host may open to every segment (N2, N4); everything else is what flows and
    Internet switches name. On AWS a switch counts where the stack gives the segment a way out (A2); what it denies by
    giving none is declared.
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
    declared = _declared(stack, cells) if isinstance(stack, AwsStack) else {}
    cells = {pair: cell for pair, cell in cells.items() if pair not in declared} | _served(intent)
    machines = stack.machines.values() if isinstance(stack, LibvirtStack) else ()
    return Matrix(nodes, cells | _free(intent), frozenset(machine.ssh_port for machine in machines), declared)


def _declared(stack: AwsStack, cells: Mapping[tuple[str, str], Cell]) -> dict[tuple[str, str], str]:
    """Cells to the Internet for which the stack gives no way, and the setting that says so."""
    ways = {name: stack.egress.get(name, Egress.NONE) for name, node in cells if node == Node.INTERNET}
    closed = {name: way for name, way in ways.items() if way in {Egress.NONE, Egress.ENDPOINTS}}
    return {(name, Node.INTERNET.value): f"egress.{name}: {way.value}" for name, way in closed.items()}


def _served(intent: Intent) -> dict[tuple[str, str], Cell]:
    """What segments with endpoints open to AWS's own services."""
    egress = intent.stack.egress if isinstance(intent.stack, AwsStack) else {}
    users = [name for name, way in egress.items() if way is Egress.ENDPOINTS]
    return {(name, Node.AWS_SERVICES.value): cell_of([AWS_API]) for name in users}


def _free(intent: Intent) -> dict[tuple[str, str], Cell]:
    """Cells that are open without a flow."""
    cells = {(name, name): ALL for name in intent.network.segments}
    if isinstance(intent.stack, LibvirtStack):
        cells |= {(Node.HOST.value, name): ALL for name in intent.network.segments}
    return cells


def fixed_nodes(intent: Intent) -> tuple[str, ...]:
    """Fixed nodes that the stack has, in reading order."""
    if isinstance(intent.stack, AwsStack):
        served = (Node.AWS_SERVICES.value,) if Egress.ENDPOINTS in intent.stack.egress.values() else ()
        return (Node.INTERNET.value, *served)
    nodes = (Node.INTERNET.value, Node.LAN.value, Node.HOST.value, Node.DOCKER0.value)
    return (*nodes, Node.TAILNET.value) if intent.stack.tailnet else nodes
