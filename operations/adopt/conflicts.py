"""Everything of the owner's that stands in the way, by name, and what would happen to it."""

import json
from collections.abc import Iterator
from ipaddress import IPv4Network

from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.forward import of_forward
from operations.adopt.networks import of_networks, to_replace
from operations.adopt.survey import Survey
from operations.adopt.zones import of_firewalld
from providers.host.drift import Found
from providers.host.policy import Policy
from providers.host.preflight import refusals
from twinvpc.policy.routing import SIGNED


def conflicts(wish: Wish, found: Survey) -> tuple[Conflict, ...]:
    """All of them, refused ones included."""
    return (
        *of_networks(wish, found),
        *_bridges(wish, found),
        *_blocks(wish, found),
        *of_forward(wish, found),
        *of_firewalld(wish, found),
        *_tables(found),
        *_docker(wish, found),
        *_provider(wish, found),
    )


def _bridges(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """Links of our names that belong to no network of libvirt's."""
    theirs = {network.bridge for network in found.networks}
    for bridge in sorted((set(found.links) & set(wish.bridges.values())) - theirs):
        yield Conflict(
            "bridge",
            bridge,
            Fate.REFUSED,
            f"a link of a segment's name, but no network of libvirt's; rename it, or `ip link delete {bridge}`",
        )


def _blocks(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """Whatever else lies in a block of ours."""
    going = {network.bridge for network in to_replace(wish, found)} | set(wish.bridges.values()) | {"lo"}
    told: set[tuple[str, str]] = set()
    for network in found.networks:
        going.add(network.bridge)
        for segment, block in wish.blocks.items():
            hits = network.name not in wish.bridges and any(net.overlaps(block) for net in network.nets)
            if hits:
                machines = ", ".join(machine.name for machine, _ in found.on(network)) or "nobody"
                yield Conflict(
                    "network",
                    network.name,
                    Fate.REFUSED,
                    f"lies in {block} of {segment}, with {machines} on it; move it, or give {segment} another block",
                )
    for net, link in found.nets_of_links():
        for segment, block in wish.blocks.items():
            if link not in going and net.overlaps(block) and (link, segment) not in told:
                told.add((link, segment))
                yield Conflict(
                    "route",
                    f"{net} on {link}",
                    Fate.REFUSED,
                    f"lies in {block} of {segment}; take it away, or correct twin-vpc:segments.{segment}.cidr",
                )


def _tables(found: Survey) -> Iterator[Conflict]:
    for table in found.tables:
        fate = Fate.REFUSED if table.policy == "drop" else Fate.STAYS
        why = (
            "it drops whatever it does not name" if fate is Fate.REFUSED else "its rules are yours; a drop there closes"
        )
        yield Conflict(
            "nft table",
            f"{table.table} {table.chain}",
            fate,
            f"{why}: let packets with the mark of twin-vpc pass (`meta mark and 0x1000000 != 0 accept`)",
        )


def _docker(wish: Wish, found: Survey) -> Iterator[Conflict]:
    for network in found.docker:
        for segment, block in wish.blocks.items():
            if any(":" not in one and IPv4Network(one, strict=False).overlaps(block) for one in network.blocks):
                users = ", ".join(network.containers) or "nobody"
                yield Conflict(
                    "docker network",
                    network.name,
                    Fate.REFUSED,
                    f"{', '.join(network.blocks)} lies in {block} of {segment}, with {users} on it: make it again with "
                    "another --subnet; adopt never touches Docker",
                )


def _provider(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """What `pulumi up` would refuse once all that is in the way is gone: known now, before anything is taken away."""
    going = {network.bridge for network in found.networks}
    links = " ".join(sorted(set(found.links) - going))
    answers = {**found.answers, "links": links}
    for name, key in (("all-routes", "dev"), ("addresses", "ifname")):
        listed = json.loads(answers.get(name) or "[]")
        answers[name] = json.dumps([one for one in listed if one.get(key) not in going])
    policy = Policy(
        ruleset="",
        held="",
        routing_rules=(),
        bridges=tuple(wish.bridges.values()),
        mark=SIGNED,
        uplinks=wish.uplinks,
        retired_bridges=tuple(old.bridge for old in wish.plan.retired),
        blocks={segment.bridge: str(segment.cidr) for segment in wish.plan.segments},
    )
    for sentence in refusals(policy, Found(answers)):
        if "overlaps" not in sentence and "somebody else's bridge" not in sentence:  # named above, each with its owner
            yield Conflict("pulumi up", "it", Fate.REFUSED, sentence)
