"""Docker's networks against our blocks: a Swarm's stand in namespaces of their own, where no route shows them."""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Network

from providers.host.drift import Found
from providers.host.policy import Policy

_BRIDGE_PREFIX = "br-"


def docker_overlaps(policy: Policy, found: Found) -> Iterator[str]:
    """Blocks of ours that a network of Docker's has addresses of, a sentence each.

    By default a Swarm takes 10.0.0.0/24 for its ingress network (docs.docker.com, "Swarm mode networking"). A block
    that is in force already is not refused again, as everywhere in `providers.host.preflight`.

    Args:
        policy: the wanted policy.
        found: a brief survey; without Docker it names no networks.
    """
    in_force = found.manifest.blocks if found.manifest else dict[str, str]()
    for bridge, text in policy.blocks.items():
        if in_force.get(bridge) == text:
            continue
        for name, driver, block in _networks(found.text("docker-networks")):
            if block.overlaps(IPv4Network(text)):
                key = f"twin-vpc:segments.{bridge.removeprefix(_BRIDGE_PREFIX)}.cidr"
                what = f"{text} overlaps {block} of Docker's {driver} network `{name}`"
                yield f"{key}: {what}. {_way_out(driver)}, or choose another block"


def _way_out(driver: str) -> str:
    if driver != "overlay":
        return "Take that network away (`docker network rm`) and make it anew inside `twin-vpc:docker.pool`"
    return (
        "Leave the Swarm and make it anew with a pool of its own: `docker swarm leave --force`, then "
        "`docker swarm init --default-addr-pool 172.18.0.0/16 --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1`"
    )


def _networks(text: str) -> Iterator[tuple[str, str, IPv4Network]]:
    """Name, driver and block from lines of `name driver block block …`; IPv6 is none of ours."""
    for line in text.splitlines():
        name, driver, *blocks = line.split()
        for block in blocks:
            with suppress(ValueError):
                yield name, driver, IPv4Network(block, strict=False)
