"""Putting everything back from a backup, and saying what is not as it was. Safe to repeat."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from operations.adopt.remote import backup, look, virt
from operations.adopt.remote.shell import asked, master_of, read, run, write
from operations.adopt.remote.take import change_firewalld


def restore(folder: str) -> list[str]:
    """Put networks, interfaces, rules, firewalld's entries and files back.

    Rules come before networks: what the owner closed is closed before anybody is plugged in again.

    Args:
        folder: the backup.

    Returns:
        What still differs from the backup, in words; nothing if it is all as before.

    Raises:
        StepError: the backup is not whole, or a step failed.
    """
    manifest = backup.whole(folder)
    taken: dict[str, Any] = manifest["taken"]
    _rules(backup.text_of(folder, "forward").splitlines(), taken["rules"])
    there = look.firewalld()
    for entry in taken["firewalld"]:
        # libvirt binds its networks' bridges itself when they start
        if entry not in there and (entry["what"], entry["scope"]) != ("interface", "now"):
            change_firewalld(entry, "add")
    _files(folder, manifest)
    _networks(folder, manifest)
    for machine in virt.machines():
        _interfaces(folder, machine, manifest)
    left = differences(folder, manifest)
    if not left:
        backup.mark(folder, "undone")
    return left


def _rules(saved: list[str], taken: list[str]) -> None:
    """FORWARD in the order of before, in one transaction: Docker has put its own jumps first in the meantime.

    What the backup does not know, such as rules for a network that Docker has made since, goes on top.
    """
    now = _forward()
    before = [line for line in saved if line.startswith("-A") and (line in now or line in taken)]
    wanted = [*(line for line in now if line not in before), *before]
    if wanted != now:
        lines = ["*filter", "-F FORWARD", *wanted, "COMMIT", ""]
        run("iptables-restore", "--wait", "--noflush", stdin="\n".join(lines))


def _forward() -> list[str]:
    return [line for line in asked("iptables", "-w", "-S", "FORWARD").splitlines() if line.startswith("-A")]


def _files(folder: str, manifest: dict[str, Any]) -> None:
    """Files that a take-over touches: firewalld's own, which firewall-cmd writes in its own words, and rule files."""
    for name in manifest["files"]:
        path = Path("/") / name.partition("/")[2]
        ours = name.startswith(("files/etc/firewalld/", *(f"files{one}" for one in look.RULE_FILES)))
        if ours and read(str(path)) != backup.text_of(folder, name):
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, backup.text_of(folder, name), mode)


def _networks(folder: str, manifest: dict[str, Any]) -> None:
    """Networks in the order in which they were started: libvirt puts a network's rules before those of the last one."""
    there, saved = set(virt.names("net-list", "--all")), backup.text_of(folder, "iptables-save")
    before = sorted(manifest["networks"], key=lambda network: saved.find(f" {network['bridge']} "), reverse=True)
    for network in before:
        name = network["name"]
        if name not in there:
            virt.virsh("net-define", str(Path(folder) / f"networks/{name}.xml"))
        if network["autostart"]:
            virt.virsh("net-autostart", name)
        if network["active"] and name not in virt.names("net-list"):
            virt.virsh("net-start", name)


def _interfaces(folder: str, machine: dict[str, Any], manifest: dict[str, Any]) -> None:
    name, saved = machine["name"], {network["name"]: network["bridge"] for network in manifest["networks"]}
    for live in (False, True):
        text = backup.text_of(folder, f"machines/{name}{'.live' if live else ''}.xml")
        if not text or (live and not machine["running"]):
            continue
        now = {one["mac"]: one for one in machine["now" if live else "next"]}
        for wanted in virt.parsed(text).iter("interface"):
            mac, source = wanted.find("mac"), wanted.find("source")
            here = now.get(mac.get("address", "")) if mac is not None else None
            if here is None or source is None:
                continue
            # What a running machine's XML says of a network's bridge is as old as its last plugging in.
            bridge = saved.get(source.get("network", "")) or source.get("bridge", "")
            _put_back(name, wanted, here, bridge, live=live)


def _put_back(name: str, wanted: ET.Element, here: dict[str, str], bridge: str, *, live: bool) -> None:
    source = wanted.find("source")
    if source is None:
        return
    kind = wanted.get("type", "")
    same = here["kind"] == kind and here["source"] == source.get(kind) and (not live or here["bridge"] == bridge)
    moved = here["source"] != source.get(kind)
    if not same:
        found = virt.interface_of(name, here["mac"], live=live)
        if found is not None:
            virt.plug(name, virt.sourced(found, source.get(kind, ""), kind), live=live)
    if live and master_of(here["link"]) != bridge:
        run("ip", "link", "set", "dev", here["link"], "master", bridge)
    if live and moved:
        virt.virsh("domif-setlink", name, here["mac"], "down")
        virt.virsh("domif-setlink", name, here["mac"], "up")


def differences(folder: str, manifest: dict[str, Any]) -> list[str]:
    """What is not as the backup says: networks, machines, FORWARD, firewalld, files."""
    found: list[str] = []
    for network in manifest["networks"]:
        name = network["name"]
        if asked("virsh", "-q", "net-dumpxml", "--inactive", name) != backup.text_of(folder, f"networks/{name}.xml"):
            found.append(f"network {name}: its definition")
        found += [
            f"network {name}: it is not running"
            for _ in [0]
            if network["active"] and name not in virt.names("net-list")
        ]
    for machine in manifest["machines"]:
        name = machine["name"]
        now = asked("virsh", "-q", "dumpxml", "--inactive", "--security-info", name)
        if now != backup.text_of(folder, f"machines/{name}.xml"):
            found.append(f"machine {name}: its definition")
    if asked("iptables", "-w", "-S", "FORWARD") != backup.text_of(folder, "forward"):
        found.append("iptables: the rules of FORWARD or their order")
    for name, words in (("zones", "--list-all-zones"), ("policies", "--list-all-policies")):
        if _lines(asked("firewall-cmd", words)) != _lines(backup.text_of(folder, name)):
            found.append(f"firewalld: its {name}")
    for name in manifest["files"]:
        path = Path("/") / name.partition("/")[2]
        if name.startswith("files/") and not name.endswith(".old") and read(str(path)) != backup.text_of(folder, name):
            found.append(f"file {path}")
    return found


def _lines(text: str) -> list[str]:
    """Which zone is marked as active, and in which order interfaces stand, follows from what else is running."""
    return sorted(" ".join(sorted(re.sub(r" \(.*active.*\)", "", line).split())) for line in text.splitlines())
