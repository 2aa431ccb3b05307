"""The second wall: policy-routing rules outside the nft table, which let through only what the table has signed.

With the table deleted or flushed nothing is signed any more, so nothing is routed from, between or into the segments,
while the host itself (`iif lo`) still reaches them. Local delivery is decided before any of these rules; the second
wall towards the host is table `inet twin_vpc_host` and firewalld's zone. Source of the rule words: ip-rule(8).
"""

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
    segments = plan.segments
    tailnet = [f"iif {s.bridge} to 100.64.0.0/10 fwmark {SIGNED} lookup {_TAILSCALE_TABLE}" for s in segments]
    blocks = [s.cidr for s in segments]
    gone = [old.cidr for old in plan.retired if old.cidr]
    bridges = [*(s.bridge for s in segments), *(old.bridge for old in plan.retired)]
    return (
        *(tailnet if policy.between([Node.TAILNET], policy.segments) else ()),
        *(f"iif {s.bridge} fwmark {SIGNED} lookup main" for s in segments),
        *(f"to {block} fwmark {SIGNED} lookup main" for block in blocks),
        *(f"to {block} iif lo lookup main" for block in sorted([*blocks, *gone])),
        *(f"iif {bridge} prohibit" for bridge in sorted(bridges)),
        *(f"to {block} prohibit" for block in sorted([*blocks, *gone])),
    )


def rules6(plan: LibvirtPlan) -> tuple[str, ...]:
    """IPv6 rules: segments have no IPv6, so nothing that comes from their bridges is ever routed."""
    bridges = [*(s.bridge for s in plan.segments), *(old.bridge for old in plan.retired)]
    return tuple(f"iif {bridge} prohibit" for bridge in sorted(bridges))
