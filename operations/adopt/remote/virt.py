"""libvirt's networks and machines, by virsh and their XML."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

from operations.adopt.remote.shell import StepError, asked, master_of, run

_ATTACHED = ("network", "bridge")
"""Kinds of interfaces that are ports of a bridge."""


def virsh(*words: str) -> str:
    """Ask libvirt on this host."""
    return run("virsh", "--quiet", "--connect", "qemu:///system", *words)


def parsed(text: str) -> ET.Element:
    """The root of an XML text, libvirt's own."""
    parser = cast("Any", ET.XMLPullParser)(["start"])
    parser.feed(text)
    parser.close()
    events: list[tuple[str, ET.Element]] = list(parser.read_events())
    return events[0][1]


def names(*words: str) -> list[str]:
    """Names that one of virsh's lists holds; none where there is no libvirt."""
    said = asked("virsh", "--quiet", "--connect", "qemu:///system", *words, "--name")
    return [line.strip() for line in said.splitlines() if line.strip()]


def networks() -> list[dict[str, Any]]:
    """Every network of libvirt's."""
    started, at_boot = set(names("net-list")), set(names("net-list", "--all", "--autostart"))
    return [_network(name, started, at_boot) for name in names("net-list", "--all")]


def _network(name: str, started: set[str], at_boot: set[str]) -> dict[str, Any]:
    root = parsed(virsh("net-dumpxml", "--inactive", name))
    forward, bridge = root.find("forward"), root.find("bridge")
    return {
        "name": name,
        "active": name in started,
        "autostart": name in at_boot,
        "mode": "isolated" if forward is None else forward.get("mode", "nat"),
        "bridge": "" if bridge is None else bridge.get("name", ""),
        "blocks": [_block(ip) for ip in root.iter("ip") if ip.get("family", "ipv4") == "ipv4"],
        "ranges": [f"{one.get('start')}-{one.get('end')}" for one in root.iter("range")],
    }


def _block(ip: ET.Element) -> str:
    return f"{ip.get('address')}/{ip.get('prefix') or ip.get('netmask')}"


def machines() -> list[dict[str, Any]]:
    """Every machine of libvirt's, with its interfaces as they are and as they will be at its next start."""
    running = set(names("list"))
    return [
        {
            "name": name,
            "running": name in running,
            "now": interfaces(name, live=True) if name in running else [],
            "next": interfaces(name, live=False),
        }
        for name in names("list", "--all")
    ]


def interfaces(machine: str, *, live: bool) -> list[dict[str, str]]:
    """A machine's interfaces that are ports of bridges."""
    try:
        root = parsed(virsh("dumpxml", machine, *(() if live else ("--inactive",))))
    except StepError:  # it has ended, or has no definition beyond its run
        return []
    found: list[dict[str, str]] = []
    for interface in root.iter("interface"):
        kind = interface.get("type", "")
        source, mac, target = interface.find("source"), interface.find("mac"), interface.find("target")
        if kind not in _ATTACHED or source is None or mac is None:
            continue
        link = target.get("dev", "") if live and target is not None else ""
        address = mac.get("address", "")
        found.append(
            {
                "kind": kind,
                "source": source.get(kind, ""),
                "bridge": source.get("bridge", ""),
                "mac": address,
                "link": link,
                "port_of": master_of(link) if link else "",
                "address": _address(source.get(kind, ""), address) if live and kind == "network" else "",
            }
        )
    return found


def _address(network: str, mac: str) -> str:
    said = asked("virsh", "--quiet", "--connect", "qemu:///system", "net-dhcp-leases", network, "--mac", mac)
    words = said.split()
    return next((word.partition("/")[0] for word in words if "/" in word), "")


def remove_network(name: str) -> bool:
    """Stop a network and forget it; what is gone already is no error."""
    if name in names("net-list"):
        virsh("net-destroy", name)
    if name not in names("net-list", "--all"):
        return False
    virsh("net-undefine", name)
    return True


def plug(machine: str, wanted: ET.Element, *, live: bool) -> None:
    """Change one interface of a machine, known by its MAC address, without a restart.

    libvirt 9.0 moves the link itself where network or bridge differ. Where both have the names of before, it sees no
    change, and a network that was stopped in between has lost its ports: the link is then put back by hand. A link that
    is a port already cannot become one, so it is unplugged first.
    """
    target = wanted.find("target")
    link = target.get("dev", "") if live and target is not None else ""
    if link and master_of(link):
        run("ip", "link", "set", "dev", link, "nomaster")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "interface.xml"
        file.write_text(ET.tostring(wanted, encoding="unicode"), encoding="utf-8")
        virsh("update-device", machine, str(file), "--live" if live else "--config")


def interface_of(machine: str, mac: str, *, live: bool) -> ET.Element | None:
    """The XML of one interface of a machine, or none."""
    root = parsed(virsh("dumpxml", machine, *(() if live else ("--inactive",))))
    for interface in root.iter("interface"):
        found = interface.find("mac")
        if found is not None and found.get("address", "").lower() == mac.lower():
            return interface
    return None


def sourced(interface: ET.Element, name: str, kind: str = "network") -> ET.Element:
    """The same interface on another network, or on a bridge by its own name."""
    interface.set("type", kind)
    source = interface.find("source")
    if source is None:
        source = ET.SubElement(interface, "source")
    source.attrib.clear()
    source.set(kind, name)
    return interface
