"""Running machines put back onto their networks' bridges."""

from __future__ import annotations

from typing import Any

from operations.adopt.remote import virt
from operations.adopt.remote.shell import StepError, master_of, run


def reattach(bridges: dict[str, str], moves: dict[str, str]) -> list[dict[str, str]]:
    """Plug every machine whose interface belongs on one of these networks into that network's bridge.

    Args:
        bridges: bridge of each network, by the network's name.
        moves: network by MAC address, for interfaces that are to change.

    Returns:
        What was changed: machine, MAC address, link and bridge.

    Raises:
        StepError: some machines could not be plugged in, by name; all the others are.
    """
    changed: list[dict[str, str]] = []
    failed: list[str] = []
    for machine in virt.machines():
        try:
            _machine(machine, bridges, moves, changed)
        except StepError as error:  # the others are plugged in all the same
            failed.append(f"{machine['name']}: {error}")
    if failed:
        raise StepError("; ".join(failed))
    return changed


def _machine(
    machine: dict[str, Any], bridges: dict[str, str], moves: dict[str, str], changed: list[dict[str, str]]
) -> None:
    for interface in machine["next"]:
        network = moves.get(interface["mac"])
        if network and (interface["kind"], interface["source"]) != ("network", network):
            _plug(machine["name"], interface["mac"], network, live=False)
            changed.append({"machine": machine["name"], "mac": interface["mac"], "link": "", "bridge": network})
    for interface in machine["now"]:
        network = moves.get(interface["mac"]) or (interface["source"] if interface["kind"] == "network" else "")
        if network in bridges and _reattached(machine["name"], interface, network, bridges[network]):
            entry = {"machine": machine["name"], "mac": interface["mac"], "link": interface["link"]}
            changed.append({**entry, "bridge": bridges[network]})


def _reattached(machine: str, interface: dict[str, Any], network: str, bridge: str) -> bool:
    link, here = interface["link"], (interface["kind"], interface["source"], interface["bridge"])
    moved = (interface["kind"], interface["source"]) != ("network", network)
    if here == ("network", network, bridge) and interface["port_of"] == bridge:
        return False
    if here != ("network", network, bridge):
        _plug(machine, interface["mac"], network, live=True)
    if master_of(link) != bridge:
        run("ip", "link", "set", "dev", link, "master", bridge)
    if master_of(link) != bridge:
        raise StepError(f"{machine}: its link {link} does not become a port of {bridge}")
    if moved:
        _new_lease(machine, interface["mac"])
    return True


def _plug(machine: str, mac: str, network: str, *, live: bool) -> None:
    found = virt.interface_of(machine, mac, live=live)
    if found is None:
        raise StepError(f"{machine} has no interface {mac} any more")
    virt.plug(machine, virt.sourced(found, network), live=live)


def _new_lease(machine: str, mac: str) -> None:
    """Its address is of the network that it left: a cable that is pulled and put back makes it ask for another."""
    virt.virsh("domif-setlink", machine, mac, "down")
    virt.virsh("domif-setlink", machine, mac, "up")
