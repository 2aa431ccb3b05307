"""Who stands where: the two ends from which a node is tried and answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from pathlib import Path

from twinvpc.model.services import Protocol


@dataclass(frozen=True)
class End:
    """One network namespace and an address in it.

    Attributes:
        netns: a file that setns(2) accepts.
        address: the address that is called.
        behind: its own address, where the one that is called is somebody else's who translates.
    """

    netns: Path
    address: IPv4Address
    behind: IPv4Address | None = None

    @property
    def listens(self) -> IPv4Address:
        """The address on which its own services listen."""
        return self.behind or self.address


@dataclass(frozen=True)
class Stand:
    """Where a node opens from and answers.

    Attributes:
        node: the node of the matrix.
        netns: a file that setns(2) accepts; the node opens from here.
        address: its address there.
        server: the end that answers, for segments their second guest, so that a segment's own cell is tried
            between two guests; None means the same end that opens.
        towards: for HOST, by source node, the address on which it answers that node (the router address of the
            source's segment); sources that are not named get the server's address.
        services: protocols and ports on which a real service answers here: it is spoken to instead of a listener
            of ours. Spoken are DNS (port 53) and, over TCP, protocols whose server greets first, such as SSH.
    """

    node: str
    netns: Path
    address: IPv4Address
    server: End | None = None
    towards: Mapping[str, IPv4Address] = field(default_factory=dict[str, IPv4Address])
    services: frozenset[tuple[Protocol, int]] = frozenset()

    def answers(self, source: str) -> End:
        """The end that answers tries from a node."""
        end = self.server or End(self.netns, self.address)
        return replace(end, address=self.towards.get(source, end.address))
