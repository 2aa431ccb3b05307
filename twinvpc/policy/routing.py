"""The second wall: policy-routing rules outside the nft table, which let through only what the table has signed.

With the table deleted or flushed nothing is signed any more, so nothing is routed from, between or into the segments,
while the host itself (`iif lo`) still reaches them. Local delivery is decided before any of these rules; the second
wall towards the host is table `inet twin_vpc_host` and firewalld's zone. Source of the rule words: ip-rule(8).

The kernel walks the rules one by one, twice for every packet that is forwarded: for its way, and for the way back, with
the outgoing interface as the incoming one and both addresses exchanged. So what is signed is let through by the first
rules, whatever the number of segments (ADR 42).
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, collapse_addresses

from twinvpc.addressing.plan import LibvirtPlan
from twinvpc.model.nodes import Node
from twinvpc.policy.nftables_chains import MARK
from twinvpc.policy.terms import Policy

SIGNED = f"{MARK:#x}/{MARK:#x}"
"""The table's sign as `ip rule` and iptables write it: mark and mask."""

_TAILSCALE_TABLE = 52  # where tailscaled keeps its routes (tailscale.com wgengine/router)


def rules(policy: Policy, plan: LibvirtPlan) -> tuple[str, ...]:
    """IPv4 rules in the order in which they must be walked: everything that permits, then everything that prohibits.

    Args:
        policy: only whether tailnet peers may open something, since answers to them need Tailscale's own table.
        plan: the segments, and those that are gone.

    Returns:
        One rule a line, each the part behind `ip rule add pref N`.
    """
    live = [s.cidr for s in plan.segments]
    owned = list(collapse_addresses([*live, *(old.cidr for old in plan.retired if old.cidr)]))
    tailnet = bool(policy.between([Node.TAILNET], policy.segments)) or policy.forwarded_for(Node.TAILNET)
    return (
        *(_permit_signed(_cover(live), tailnet=tailnet) if live else ()),
        *(f"to {block} iif lo lookup main" for block in owned),
        *(f"to {block} prohibit" for block in owned),
        *(f"iif {bridge} prohibit" for bridge in _bridges(plan)),
    )


def rules6(plan: LibvirtPlan) -> tuple[str, ...]:
    """IPv6 rules: segments have no IPv6, so nothing that comes from their bridges is ever routed."""
    return tuple(f"iif {bridge} prohibit" for bridge in _bridges(plan))


def _permit_signed(cover: IPv4Network, *, tailnet: bool) -> tuple[str, ...]:
    """The sign alone would do for our own packets; with an address of ours besides, nobody else's mark counts.

    Somebody else may use the same bit for packets of theirs. Those stay with the owner's own rules, which stand behind.
    """
    return (
        *((f"from {cover} to 100.64.0.0/10 fwmark {SIGNED} lookup {_TAILSCALE_TABLE}",) if tailnet else ()),
        f"from {cover} fwmark {SIGNED} lookup main",
        f"to {cover} fwmark {SIGNED} lookup main",
    )


def _cover(blocks: Iterable[IPv4Network]) -> IPv4Network:
    """The smallest block that holds all of them; it lies inside `cidr` of network.yaml, which is for segments only."""
    first, *others = blocks
    while not all(block.subnet_of(first) for block in others):
        first = first.supernet()
    return first


def _bridges(plan: LibvirtPlan) -> list[str]:
    """Every bridge that was ever ours and may still exist."""
    return sorted([*(s.bridge for s in plan.segments), *(old.bridge for old in plan.retired)])
