"""The backup: a root-only folder of texts, and a manifest that is written last and knows every one of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from operations.adopt.remote import virt
from operations.adopt.remote.shell import PATH, StepError, asked, run, write

FOLDER = Path("/var/backups/twin-vpc")
MANIFEST = "manifest.json"
STATUS = "status"
"""Beside the manifest: `backed-up`, `adopted` or `undone`."""
_CONFIG = ("/etc/firewalld", "/etc/iptables", "/etc/sysconfig/iptables", "/etc/sysctl.conf", "/etc/sysctl.d")
_TEXTS = {
    "iptables-save": ("iptables-save",),
    "ip6tables-save": ("ip6tables-save",),
    "forward": ("iptables", "-w", "-S", "FORWARD"),
    "nft": ("nft", "--stateless", "list", "ruleset"),
    "sysctl": ("sysctl", "-a", "--pattern", r"^net\.(ipv4\.(ip_forward|conf\..*)|bridge\..*)"),
    "routes": ("ip", "route", "show", "table", "all"),
    "rules": ("ip", "rule"),
    "zones": ("firewall-cmd", "--list-all-zones"),
    "policies": ("firewall-cmd", "--list-all-policies"),
    "containers": ("docker", "ps", "--all", "--no-trunc"),
}
"""What is asked of the host beside XML and files."""
_SERVICES = {"firewall-cmd": "firewalld.service", "docker": "docker.service"}
"""Who has to run for a program to answer."""


def make(taken: dict[str, Any]) -> str:
    """Write the backup and return its folder; nothing else is changed.

    Args:
        taken: what will be taken away, as the laptop decided: rules, firewalld's entries, networks, moves.

    Raises:
        StepError: a part of it could not be read or written: nothing must be changed then.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOLDER.chmod(0o700)
    folder = FOLDER / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise StepError(f"{folder} exists already: two take-overs at once; wait until the other has ended") from None
    names: list[str] = []
    try:
        for name, text in _texts():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write(path, text)
            names.append(name)
    except (OSError, UnicodeError) as error:
        raise StepError(f"the backup in {folder} cannot be written: {error}; nothing was changed") from error
    sums = {name: _sum(folder / name) for name in sorted(names)}
    machines = [{"name": one["name"], "running": one["running"]} for one in virt.machines()]
    manifest = {"version": 1, "files": sums, "networks": virt.networks(), "machines": machines, "taken": taken}
    write(folder / STATUS, "backed-up\n")
    write(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")
    return str(folder)


def _texts() -> list[tuple[str, str]]:
    found = [(name, _said(*argv)) for name, argv in _TEXTS.items()]
    found += [
        (f"networks/{name}.xml", virt.virsh("net-dumpxml", "--inactive", name))
        for name in virt.names("net-list", "--all")
    ]
    found += [(f"networks/{name}.live.xml", virt.virsh("net-dumpxml", name)) for name in virt.names("net-list")]
    for machine in virt.machines():
        name = machine["name"]
        found.append((f"machines/{name}.xml", virt.virsh("dumpxml", "--inactive", "--security-info", name)))
        if machine["running"]:
            found.append((f"machines/{name}.live.xml", virt.virsh("dumpxml", "--security-info", name)))
    for root in map(Path, _CONFIG):
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        found += [(f"files{path}", path.read_text(encoding="utf-8", errors="strict")) for path in files]
    return found


def _said(program: str, *words: str) -> str:
    """What a program says; nothing where it is not installed or its service does not run.

    Raises:
        StepError: it is there and fails: a backup with a hole is none.
    """
    service = _SERVICES.get(program)
    asleep = service is not None and asked("systemctl", "is-active", service).strip() != "active"
    return "" if asleep or shutil.which(program, path=PATH) is None else run(program, *words)


def open_one() -> dict[str, str] | None:
    """Folder and status of the newest backup that was not undone, or none."""
    for folder in sorted(FOLDER.glob("*"), reverse=True):
        if (folder / MANIFEST).is_file():
            status = (folder / STATUS).read_text(encoding="utf-8").strip() if (folder / STATUS).is_file() else "?"
            if status != "undone":
                return {"folder": str(folder), "status": status}
    return None


def whole(folder: str) -> dict[str, Any]:
    """The manifest of a backup, once every file that it names was found to be what it was.

    Raises:
        StepError: a file is missing or was changed.
    """
    path = Path(folder)
    if not (path / MANIFEST).is_file():
        raise StepError(f"{folder} holds no {MANIFEST}: it is no whole backup")
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        sums: dict[str, str] = manifest["files"]
    except (ValueError, KeyError) as error:
        raise StepError(f"{path / MANIFEST} cannot be read ({error}): it is no whole backup") from error
    wrong = [name for name, wanted in sums.items() if not (path / name).is_file() or _sum(path / name) != wanted]
    if wrong:
        raise StepError(
            f"the backup {folder} is not whole: {', '.join(wrong)} missing or changed. Nothing was put back; "
            "restore the folder from your own backup, or put things back by hand from what is left"
        )
    return manifest


def mark(folder: str, status: str) -> None:
    """Remember how far it came."""
    write(Path(folder) / STATUS, f"{status}\n")


def text_of(folder: str, name: str) -> str:
    """One file of a backup."""
    path = Path(folder) / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
