"""What AWS makes with every VPC, as it is until somebody adopts it (Amazon VPC user guide)."""

from twinvpc.model.services import Protocol
from twinvpc.proof.aws.graph import ANYWHERE, Acl, Entry, Group, GroupRule, PeerKind, RulePeer, whole

MAIN, DEFAULT = "main", "default"
"""What AWS's own route table, and its own ACL and group, are called where no tag names them."""

_FIRST, _LAST = whole(Protocol.ANY)

DEFAULT_ACL = Acl(
    DEFAULT,
    default=True,
    entries=tuple(
        Entry(egress=egress, number=100, allow=True, protocol=Protocol.ANY, first=_FIRST, last=_LAST, cidr=ANYWHERE)
        for egress in (False, True)
    ),
)
"""The default network ACL: allows everything both ways."""

DEFAULT_GROUP = Group(
    DEFAULT,
    tuple(
        GroupRule(egress=egress, protocol=Protocol.ANY, first=_FIRST, last=_LAST, peer=peer)
        for egress, peer in (
            (False, RulePeer(PeerKind.GROUP, DEFAULT)),
            (True, RulePeer(PeerKind.CIDR, str(ANYWHERE))),
        )
    ),
)
"""The default security group: its members reach each other, and open everything."""
