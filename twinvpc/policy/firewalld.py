"""firewalld's part on hosts that run it: a zone for our bridges, and policies that leave forwarding to our own walls.

firewalld rejects what is forwarded between zones unless a policy accepts it (firewalld.policies(5)). The policies here
accept forwarding, because an accept in one table cannot undo a reject in another; the table and the routing rules
decide. Towards the host the zone is closed but for what N4 grants, by source and by router address: firewalld's own
`dns` and `ssh` services would answer on every address of the host.
"""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol, Service
from twinvpc.policy.nftables import Target
from twinvpc.policy.terms import Policy

ZONE = "twin-vpc"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'


def zone(policy: Policy, target: Target) -> str:
    """The zone as XML (firewalld.zone(5)). Bridges of removed segments stay in it: elsewhere they would be freer."""
    plan = target.plan
    bridges = sorted([*(s.bridge for s in plan.segments), *(old.bridge for old in plan.retired)])
    lines = [
        _HEAD,
        '<zone target="DROP">',
        f"  <short>{ZONE}</short>",
        "  <description>Segments of twin-vpc, written by its provider; forwarding is judged elsewhere</description>",
        *(f"  <interface name={quoteattr(bridge)}/>" for bridge in bridges),
    ]
    if any(segment.dhcp for segment in plan.segments):
        lines.append('  <service name="dhcp"/>')
    for segment in plan.segments:
        granted = [s for t in policy.between([segment.name], [Node.HOST]) for s in t.services]
        for match in ('<service name="dns"/>', '<protocol value="icmp"/>', *_ports(granted)):
            lines += [
                '  <rule family="ipv4">',
                f'    <source address="{segment.cidr}"/>',
                f'    <destination address="{segment.router}"/>',
                f"    {match}",
                "    <accept/>",
                "  </rule>",
            ]
    return "\n".join([*lines, "</zone>", ""])


def zone_policies(policy: Policy, target: Target) -> dict[str, str]:
    """Policies as XML (firewalld.policy(5)) by name: out of the zone always, into it only if someone may enter."""
    policies = {f"{ZONE}-out": _forward_policy(ZONE, "ANY")}
    outsiders = (Node.LAN, Node.DOCKER0, Node.TAILNET)
    if policy.between(outsiders, target.bridges):
        policies[f"{ZONE}-in"] = _forward_policy("ANY", ZONE)
    return policies


def _ports(services: Iterable[Service]) -> list[str]:
    return [
        f'<port port="{s.first if s.first == s.last else f"{s.first}-{s.last}"}" protocol="{s.protocol}"/>'
        for s in services
        if s.protocol in {Protocol.TCP, Protocol.UDP}
    ]


def _forward_policy(ingress: str, egress: str) -> str:
    return "\n".join(
        [
            _HEAD,
            '<policy target="ACCEPT">',
            f"  <short>{ingress} to {egress}</short>",
            f'  <ingress-zone name="{ingress}"/>',
            f'  <egress-zone name="{egress}"/>',
            "</policy>",
            "",
        ]
    )
