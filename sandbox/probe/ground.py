"""What the tries beyond the matrix stand on, and how they are reported."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.probe.namespaces import run_inside
from sandbox.probe.stands import End, Stand
from twinvpc.model.nodes import FIXED_NODES, Node
from twinvpc.model.services import Protocol
from twinvpc.proof.cells import Matrix
from twinvpc.proof.expect import PLAIN_PORT

ARRIVED, STOPPED, UNSEEN = "arrived", "stopped by the host", "never reached the host"


@dataclass(frozen=True)
class Try:
    """One try beyond the matrix.

    Attributes:
        name: what was tried, for people.
        intended: what should come of it.
        measured: what came of it, in the same words.
        detail: more about what came of it.
    """

    name: str
    intended: str
    measured: str
    detail: str = ""

    @property
    def right(self) -> bool:
        """Whether it went as intended."""
        return self.intended == self.measured

    def __str__(self) -> str:
        """`name: intended x, measured y (detail)`."""
        more = f" ({self.detail})" if self.detail else ""
        return f"{self.name}: intended {self.intended}, measured {self.measured}{more}"


@dataclass(frozen=True)
class Ground:
    """A measured world.

    Attributes:
        stands: where every node of the matrix stands.
        bridges: the bridge of each segment on the host.
        matrix: what is intended.
        ssh_port: port of the host's sshd.
        published: port of the host that Docker leads to `container_port` of its container; None for no such port.
        container_port: see there.
        outside: segments whose router address may ask the Internet for names.
        dns_log: file in which the Internet's DNS server writes every name it is asked; None where it has none.
        pliable: the host is a lab's, so it may be given IPv6 routes that make the worst case.
    """

    stands: Mapping[str, Stand]
    bridges: Mapping[str, str]
    matrix: Matrix
    ssh_port: int = 2200
    published: int | None = 8080
    container_port: int = 80
    outside: frozenset[str] = frozenset()
    dns_log: Path | None = None
    pliable: bool = False

    @property
    def host(self) -> Path:
        """File of the host's namespace."""
        return self.stands[Node.HOST].netns

    @property
    def segments(self) -> tuple[str, ...]:
        """Segments that somebody stands in, in the matrix' order."""
        return tuple(node for node in self.matrix.nodes if node in self.stands and node not in FIXED_NODES)

    def router(self, segment: str) -> IPv4Address:
        """A segment's router address."""
        return self.stands[Node.HOST].towards[segment]

    def server(self, node: str, source: str = "") -> End:
        """The end of a node that answers."""
        return self.stands[node].answers(source)

    def port(self, source: str, destination: str, protocol: Protocol) -> int | None:
        """A port that the intent opens in a cell; None if it opens none."""
        cell = self.matrix.cell(source, destination)
        spans = cell.tcp if protocol is Protocol.TCP else cell.udp
        return PLAIN_PORT if cell.everything else spans[0][0] if spans else None

    def others(self, *nodes: str) -> tuple[str, ...]:
        """Segments other than these."""
        return tuple(segment for segment in self.segments if segment not in nodes)


def fresh_key(length: int = 16) -> bytes:
    """Random bytes that nothing else on the wire carries."""
    return secrets.token_bytes(length)


def mac_address(netns: Path, link: str) -> bytes:
    """The MAC address of a link."""
    (found,) = json.loads(run_inside(netns, "ip", "-json", "link", "show", "dev", link))
    return bytes.fromhex(str(found["address"]).replace(":", ""))
