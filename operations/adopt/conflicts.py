"""Everything of the owner's that stands in the way, by name, and what would happen to it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from operations.adopt.rules import Meaning, Ours, meaning
from operations.adopt.survey import Entry, Interface, Machine, Network, Survey
from providers.host.drift import Found
from providers.host.policy import Policy
from providers.host.preflight import refusals
from twinvpc.addressing.plan import LibvirtPlan
from twinvpc.policy.routing import SIGNED

OLD_DEFAULT = "default"
"""libvirt's own network, which is retired (requirement N5)."""
_OPEN = "open"
"""Mode of our networks."""


class Fate(StrEnum):
    """What would happen to it."""

    REPLACED = "replaced"
    REATTACHED = "reattached"
    MOVED = "moved"
    TAKEN = "taken away"
    STAYS = "stays"
    REFUSED = "refused"


@dataclass(frozen=True)
class Conflict:
    """One thing that stands in the way, or seems to.

    Attributes:
        kind: what it is.
        name: which one.
        fate: what would happen to it.
        why: that in a sentence, with the way out where it is refused.
    """

    kind: str
    name: str
    fate: Fate
    why: str


@dataclass(frozen=True)
class Wish:
    """What the owner asked for.

    Attributes:
        plan: the address plan.
        uplinks: interfaces that lead out, as configured.
        moves: new segment of machines by name.
    """

    plan: LibvirtPlan
    uplinks: tuple[str, ...]
    moves: Mapping[str, str]

    @property
    def bridges(self) -> Mapping[str, str]:
        """Bridge of each segment."""
        return {segment.name: segment.bridge for segment in self.plan.segments}

    @property
    def blocks(self) -> Mapping[str, IPv4Network]:
        """Block of each segment."""
        return {segment.name: segment.cidr for segment in self.plan.segments}


def conflicts(wish: Wish, found: Survey) -> tuple[Conflict, ...]:
    """All of them, refused ones included."""
    return (
        *_moves(wish, found),
        *_networks(wish, found),
        *_default(wish, found),
        *_bridges(wish, found),
        *_blocks(wish, found),
        *_rules(wish, found),
        *_firewalld(wish, found),
        *_tables(found),
        *_docker(wish, found),
        *_provider(wish, found),
    )


def to_replace(wish: Wish, found: Survey) -> tuple[Network, ...]:
    """The owner's networks of our names. Once our policy is there, one in mode `open` is ours."""
    names = wish.bridges
    return tuple(one for one in found.networks if one.name in names and not (found.ours and one.mode == _OPEN))


def closing_rules(wish: Wish, found: Survey) -> tuple[str, ...]:
    """Rules of the owner's that close what our policy opens, and nothing else, as iptables prints them."""
    ours = _ours(wish, found)
    lines = dict.fromkeys((*found.forward, *(line for lines in found.rule_files.values() for line in lines)))
    rules = (line for line in lines if line.startswith("-A FORWARD "))
    return tuple(line for line in rules if meaning(line, ours) is Meaning.CLOSES_OURS)


def firewalld_entries(wish: Wish, found: Survey) -> tuple[Entry, ...]:
    """What takes packets of our bridges from our own zone: bindings of a bridge or block, and drops in policies."""
    return tuple(entry for entry in found.firewalld if entry.owner != "twin-vpc" and _takes(entry, wish))


def _takes(entry: Entry, wish: Wish) -> bool:
    if entry.what == "interface":
        # Also what libvirt has bound: 9.0 leaves it when the network goes, and our own zone needs the name.
        return entry.value in wish.bridges.values()
    if entry.what == "source":
        return _touches(entry.value, wish)
    closing = entry.value.split()[-1] == "drop" or " reject" in entry.value
    return entry.kind == "policy" and closing and any(_touches(word, wish) for word in entry.value.split('"'))


def moves_of(wish: Wish, found: Survey) -> Mapping[str, str]:
    """New network by MAC address: machines that move, and those that sit on a bridge by its own name."""
    wanted: dict[str, str] = {}
    old = found.network(OLD_DEFAULT)
    for network in (*to_replace(wish, found), *((old,) if old else ())):
        for machine, interface in found.on(network):
            target = wish.moves.get(machine.name) if network.name == OLD_DEFAULT else network.name
            if target and (interface.kind, interface.source) != ("network", target):
                wanted[interface.mac] = target
    return wanted


def _moves(wish: Wish, found: Survey) -> Iterator[Conflict]:
    known = {machine.name: machine for machine in found.machines}
    for machine, segment in wish.moves.items():
        if machine not in known:
            names = ", ".join(sorted(known)) or "none"
            yield Conflict("move", machine, Fate.REFUSED, f"there is no such machine; libvirt knows {names}")
        elif segment not in wish.bridges:
            yield Conflict(
                "move", machine, Fate.REFUSED, f"{segment} is no segment; there are {', '.join(wish.bridges)}"
            )


def _networks(wish: Wish, found: Survey) -> Iterator[Conflict]:
    for network in to_replace(wish, found):
        bridge = wish.bridges[network.name]
        yield Conflict(
            "network",
            network.name,
            Fate.REPLACED,
            f"mode {network.mode} on {network.bridge}, {', '.join(map(str, network.nets)) or 'no block'}: comes again "
            f"in mode open on {bridge}, {wish.blocks[network.name]}",
        )
        for machine, interface in found.on(network):
            yield _reattached(network.name, bridge, wish.blocks[network.name], machine, interface)


def _reattached(segment: str, bridge: str, block: IPv4Network, machine: Machine, interface: Interface) -> Conflict:
    address = interface.address
    if address and IPv4Address(address) not in block:
        keeps = f"its address {address} is outside {block}: it asks for another"
    else:
        keeps = f"keeps {address or 'its address'}"
    state = f"plugged into {bridge} without a restart, {keeps}" if machine.running else f"starts on {bridge} next time"
    return Conflict("machine", machine.name, Fate.REATTACHED, f"on {segment} by {interface.mac}: {state}")


def _default(wish: Wish, found: Survey) -> Iterator[Conflict]:
    network = found.network(OLD_DEFAULT)
    if network is None or OLD_DEFAULT in wish.bridges:
        return
    left: list[str] = []
    for machine, interface in found.on(network):
        segment = wish.moves.get(machine.name)
        if segment in wish.bridges:
            leased = next(one.dhcp for one in wish.plan.segments if one.name == segment)
            new = (
                "gets a lease there"
                if leased
                else f"{segment} leases none: give it a static address inside the machine"
            )
            old = f"; its address {interface.address} is gone" if interface.address else ""
            yield Conflict("machine", machine.name, Fate.MOVED, f"from default to {segment}: {new}{old}")
        else:
            left.append(machine.name)
            yield Conflict(
                "machine",
                machine.name,
                Fate.REFUSED,
                f"still attached to default, which is retired; say where it goes: --move {machine.name}=<segment>",
            )
    blocks = ", ".join(map(str, network.nets))
    if left:
        yield Conflict(
            "network", OLD_DEFAULT, Fate.REFUSED, f"{blocks} is retired, but {', '.join(left)} still needs it"
        )
    else:
        yield Conflict("network", OLD_DEFAULT, Fate.TAKEN, f"{blocks} is retired; nothing is attached to it by then")


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


def _ours(wish: Wish, found: Survey) -> Ours:
    old = [network.bridge for network in to_replace(wish, found)]
    bridges = frozenset((*wish.bridges.values(), *old))
    return Ours(bridges, frozenset(wish.uplinks), tuple(wish.blocks.values()))


def _rules(wish: Wish, found: Survey) -> Iterator[Conflict]:
    ours, taken = _ours(wish, found), closing_rules(wish, found)
    accepted = found.docker_user and "-P FORWARD DROP" in found.forward
    for rule in found.forward:
        means = meaning(rule, ours) if rule.startswith("-A") else Meaning.NOTHING
        if rule in taken:
            yield Conflict("rule", rule, Fate.TAKEN, "it would drop what network.yaml allows, or deny it a second time")
        elif means is Meaning.OPENS_NOTHING:
            yield Conflict("rule", rule, Fate.STAYS, "it opens nothing: a packet needs our gates as well")
        elif means is Meaning.CLOSES_ALL and accepted and _after_docker(rule, found):
            yield Conflict("rule", rule, Fate.STAYS, "it comes after DOCKER-USER, where judged packets are let through")
        elif means is Meaning.CLOSES_ALL:
            yield Conflict(
                "rule",
                rule,
                Fate.REFUSED,
                "it would drop what network.yaml allows, and other traffic of yours besides: narrow it, or take it "
                f"away with `iptables -D {rule.removeprefix('-A ')}`",
            )
    if "-P FORWARD DROP" in found.forward and not found.docker_user:
        yield Conflict(
            "rule", "-P FORWARD DROP", Fate.REFUSED, "it drops all that is allowed; `iptables -P FORWARD ACCEPT`"
        )
    for path, lines in found.rule_files.items():
        for line in lines:
            if line in taken:
                yield Conflict("file", f"{path}: {line}", Fate.TAKEN, "the rule would be back after the next boot")


def _after_docker(rule: str, found: Survey) -> bool:
    lines = list(found.forward)
    hook = "-A FORWARD -j DOCKER-USER"
    return hook in lines and lines.index(hook) < lines.index(rule)


def _firewalld(wish: Wish, found: Survey) -> Iterator[Conflict]:
    taken = firewalld_entries(wish, found)
    for entry in found.firewalld:
        if entry.owner == "twin-vpc":
            continue
        name = f"{entry.kind} {entry.owner} ({'at boot' if entry.scope == '--permanent' else 'now'}): {entry.value}"
        if entry in taken:
            yield Conflict(
                "firewalld",
                name,
                Fate.TAKEN,
                f"this {entry.what} would judge packets of a segment before our zone does",
            )
        elif entry.what == "rich-rule" and any(_touches(word, wish) for word in entry.value.split('"')):
            yield Conflict(
                "firewalld", name, Fate.STAYS, f"it acts in {entry.owner} only, and our bridges are in zone twin-vpc"
            )


def _touches(text: str, wish: Wish) -> bool:
    """Whether a text is an address or block that lies in one of ours."""
    try:
        net = IPv4Network(text, strict=False)
    except (AddressValueError, ValueError):
        return False
    return net.prefixlen > 0 and any(net.overlaps(block) for block in wish.blocks.values())


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
