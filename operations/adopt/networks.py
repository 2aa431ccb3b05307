"""libvirt's networks and the machines on them: what would become of each."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network

from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.survey import Interface, Machine, Network, Survey

OLD_DEFAULT = "default"
"""libvirt's own network, which is retired (requirement N5)."""
_OPEN = "open"
"""Mode of our networks."""


def of_networks(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """Moves that cannot be, networks of our names, and `default`, each with its machines."""
    yield from _moves(wish, found)
    yield from _networks(wish, found)
    yield from _default(wish, found)


def to_replace(wish: Wish, found: Survey) -> tuple[Network, ...]:
    """The owner's networks of our names. Once our policy is there, one in mode `open` is ours."""
    names = wish.bridges
    return tuple(one for one in found.networks if one.name in names and not (found.ours and one.mode == _OPEN))


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
