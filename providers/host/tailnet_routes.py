"""Routes that the host offers to its tailnet, against our blocks: both ends of the twin use the same addresses."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any, cast

from providers.host.drift import Found
from providers.host.policy import Policy

_EXIT = "0.0.0.0/0"


def advertised_routes(policy: Policy, found: Found) -> Iterator[str]:
    """Subnet routes that would lead the tailnet into one of our blocks, a sentence each.

    Every other machine of the tailnet would then take the Dell's segments for its way to those of the VPC. An exit node
    (0.0.0.0/0) is none: it leads to what nobody knows better, and the policy judges where that goes. A block that is in
    force already is not refused again, as everywhere in `providers.host.preflight`.

    Args:
        policy: the wanted policy.
        found: a brief survey; a host without Tailscale, or with a daemon that does not run, offers nothing.
    """
    in_force = found.manifest.blocks if found.manifest else dict[str, str]()
    offered = list(_offered(found.text("tailnet")))
    for bridge, text in policy.blocks.items():
        block = IPv4Network(text)
        for route in offered:
            if in_force.get(bridge) != text and route.overlaps(block):
                yield (
                    f"Tailscale offers the route {route} to the tailnet, and {block} of {bridge} lies there: AWS has "
                    "the same addresses, so no tailnet route may lead to them. Take it back: `tailscale set "
                    "--advertise-routes=` with the other routes that you need, or none"
                )


def _offered(text: str) -> Iterator[IPv4Network]:
    preferences = cast("dict[str, Any]", json.loads(text)) if text.startswith("{") else {}
    for route in cast("list[str]", preferences.get("AdvertiseRoutes") or []):
        if ":" not in route and route != _EXIT:
            yield IPv4Network(route)
