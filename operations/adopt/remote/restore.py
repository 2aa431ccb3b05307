"""Putting everything back from a backup, and saying what is not as it was. Safe to repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from operations.adopt.remote import backup, later, look, virt
from operations.adopt.remote.shell import StepError, asked, master_of, read, run, write
from operations.adopt.remote.take import change_firewalld


def restore(folder: str, *, keep: bool = False) -> dict[str, list[str]]:
    """Put networks, interfaces, rules, firewalld's entries and files back; the owner's later work is left alone.

    Rules come before networks: what the owner closed is closed before anybody is plugged in again.

    Args:
        folder: the backup.
        keep: files that both we and, since then, the owner have changed stay as they are.

    Returns:
        `left`: what still differs from the backup, in words; nothing if it is all as before. `stays`: what the owner
        has changed since the take-over, and keeps.

    Raises:
        StepError: the backup is not whole, or a step failed.
    """
    manifest = backup.whole(folder)
    taken: dict[str, Any] = manifest["taken"]
    stays = [*later.excused(folder), *later.theirs(folder)]
    _rules(backup.text_of(folder, "forward").splitlines(), taken["rules"])
    left = _entries(folder, taken["firewalld"])
    _files(folder)
    if keep:
        stays += [f"file {path}" for path in later.mixed(folder)]
    _networks(folder, manifest, stays)
    for machine in virt.machines():
        if _interfaces(folder, machine, manifest):
            stays.append(f"machine {machine['name']}")
    left += [f"{key}: {text}" for key, text in differences(folder, manifest) if key not in stays]
    if not left:
        backup.mark(folder, "undone")
    return {"left": left, "stays": sorted(set(stays))}


def _entries(folder: str, taken: list[dict[str, str]]) -> list[str]:
    """Firewalld's entries added again; return those that it does not take any more, in words."""
    there, left = look.firewalld(), list[str]()
    for entry in taken:
        # libvirt binds its networks' bridges itself when they start
        if entry in there or (entry["what"], entry["scope"]) == ("interface", "now"):
            continue
        try:
            with later.writing(folder):
                change_firewalld(entry, "add")
        except StepError as error:
            left.append(f"firewalld {entry['kind']} {entry['owner']}: {entry['value']} is not back: {error}")
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


def _files(folder: str) -> None:
    """Files that the take-over has changed, and nobody since: firewall-cmd writes them in its own words."""
    for path in map(Path, later.ours(folder)):
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, backup.text_of(folder, f"files{path}"), mode)


def _networks(folder: str, manifest: dict[str, Any], stays: list[str]) -> None:
    """Networks in the order in which they were started: libvirt puts a network's rules before those of the last one.

    Only those that were taken away, and that the owner has not made again since.
    """
    there, saved = set(virt.names("net-list", "--all")), backup.text_of(folder, "iptables-save")
    taken = {*manifest["taken"]["networks"], *manifest["taken"]["retired"]}
    mine = [one for one in manifest["networks"] if one["name"] in taken and f"network {one['name']}" not in stays]
    for network in sorted(mine, key=lambda network: saved.find(f" {network['bridge']} "), reverse=True):
        name = network["name"]
        if name not in there:
            virt.virsh("net-define", str(Path(folder) / f"networks/{name}.xml"))
        if network["autostart"]:
            virt.virsh("net-autostart", name)
        if network["active"] and name not in virt.names("net-list"):
            virt.virsh("net-start", name)


def _interfaces(folder: str, machine: dict[str, Any], manifest: dict[str, Any]) -> bool:
    """A machine's interfaces where they were; return whether the owner has plugged one in elsewhere since."""
    name, saved = machine["name"], {network["name"]: network["bridge"] for network in manifest["networks"]}
    moved, theirs = later.moves(folder), False
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
            kind = wanted.get("type", "")
            ours = {(kind, source.get(kind)), ("network", moved.get(here["mac"]))}
            if (here["kind"], here["source"]) not in ours:
                theirs = True
                if live and here["source"] in saved:  # the network of that name is another one now
                    _join(here["link"], saved[here["source"]])
                continue
            # What a running machine's XML says of a network's bridge is as old as its last plugging in.
            bridge = saved.get(source.get("network", "")) or source.get("bridge", "")
            _put_back(name, wanted, here, bridge, live=live)
    return theirs


def _join(link: str, bridge: str) -> None:
    if master_of(link) != bridge:
        run("ip", "link", "set", "dev", link, "master", bridge)


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
    if live:
        _join(here["link"], bridge)
    if live and moved:
        virt.virsh("domif-setlink", name, here["mac"], "down")
        virt.virsh("domif-setlink", name, here["mac"], "up")


def differences(folder: str, manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What is not as the backup says: networks, machines, FORWARD, firewalld, files; each by name, with how it differs.

    A machine that the owner has deleted or changed since, and whatever else he has, is named as well.
    """
    running = virt.names("net-list")
    for network in manifest["networks"]:
        name = network["name"]
        if asked("virsh", "-q", "net-dumpxml", "--inactive", name) != backup.text_of(folder, f"networks/{name}.xml"):
            yield f"network {name}", "its definition differs"
        elif network["active"] and name not in running:
            yield f"network {name}", "it is not running"
    for machine in manifest["machines"]:
        name = machine["name"]
        now = asked("virsh", "-q", "dumpxml", "--inactive", "--security-info", name)
        if now != backup.text_of(folder, f"machines/{name}.xml"):
            yield f"machine {name}", "its definition differs" if now else "it is gone"
    yield from _forward_differs(backup.text_of(folder, "forward"), manifest["taken"]["rules"])
    yield from _firewalld_differs(folder)
    for name in manifest["files"]:
        path = Path("/") / name.partition("/")[2]
        if name.startswith("files/") and not name.endswith(".old") and read(str(path)) != backup.text_of(folder, name):
            yield f"file {path}", "its text differs"


def _firewalld_differs(folder: str) -> Iterator[tuple[str, str]]:
    for kind, file, words in (("zone", "zones", "--list-all-zones"), ("policy", "policies", "--list-all-policies")):
        saved, there = later.blocks(backup.text_of(folder, file)), later.blocks(asked("firewall-cmd", words))
        for name in sorted({*saved, *there}):
            if saved.get(name) != there.get(name):
                yield f"firewalld {kind} {name}", "it differs"


def _forward_differs(saved: str, taken: list[str]) -> Iterator[tuple[str, str]]:
    now = asked("iptables", "-w", "-S", "FORWARD")
    if now != saved:
        yield later.FORWARD, "its rules or their order differ"
    for rule in taken:  # also where the owner has changed others since
        if rule in saved.splitlines() and rule not in now.splitlines():
            yield f"rule {rule}", "it is not back"
