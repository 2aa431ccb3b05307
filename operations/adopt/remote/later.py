"""What the owner has done since the take-over, told from what we did: his later work is never written over.

Kept beside the backup: `written.json` holds, for each file of the owner's that a take-over has changed, the digests
that it had right after changes of ours, and `writing.json` what they were before the one under way; `after.json` what
the host was like when the take-over ended; `moves.json` where it has plugged interfaces in; `excused.json` what the
owner had changed since when its undoing began.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from operations.adopt.remote import backup, look, virt
from operations.adopt.remote.shell import asked, read, write

WRITTEN, WRITING = "written.json", "writing.json"
AFTER, MOVES, EXCUSED = "after.json", "moves.json", "excused.json"
FORWARD = "iptables' chain FORWARD"
_FIREWALLD = "/etc/firewalld"


@contextmanager
def writing(folder: str) -> Generator[None]:
    """One change of ours to files of the owner's: what it leaves is known as ours, also if we are killed within.

    A file that the owner had edited before is not: what is in it then is not ours alone.
    """
    _settle(folder)
    write(Path(folder) / WRITING, json.dumps(_files(), indent=1) + "\n")
    yield
    _settle(folder)


def _settle(folder: str) -> None:
    """Note what the change under way has left."""
    before, known = _json(folder, WRITING), _json(folder, WRITTEN)
    if not before:
        return
    for path, left in _files().items():
        was = before.get(path, "")
        if left != was and was in (_saved(folder, path), *known.get(path, [])):
            known.setdefault(path, []).append(left)
    write(Path(folder) / WRITTEN, json.dumps(known, indent=1) + "\n")
    (Path(folder) / WRITING).unlink()


def ours(folder: str) -> list[str]:
    """Files that a take-over has changed and nobody since: they can be put back."""
    return [path for path, digests in _written(folder).items() if _digest(path) in digests]


def mixed(folder: str) -> list[str]:
    """Files that a take-over has changed, and the owner since: to put them back would lose his work."""
    written = _written(folder).items()
    return [path for path, digests in written if _digest(path) not in (_saved(folder, path), *digests)]


def _written(folder: str) -> dict[str, list[str]]:
    _settle(folder)
    return _json(folder, WRITTEN)


def record(folder: str) -> None:
    """Remember what the host is like, so that whatever differs later is the owner's."""
    write(Path(folder) / AFTER, json.dumps(states(), indent=1) + "\n")


def remember(folder: str, moves: dict[str, str]) -> None:
    """Add to the interfaces that a take-over plugs in elsewhere: network by MAC address."""
    write(Path(folder) / MOVES, json.dumps(_json(folder, MOVES) | moves, indent=1) + "\n")


def moves(folder: str) -> dict[str, str]:
    """Where a take-over has plugged interfaces in: network by MAC address."""
    return _json(folder, MOVES)


def undoing(folder: str, *, begin: bool) -> dict[str, list[str]]:
    """Before anything is undone: files that stand in the way, and what stays as the owner has made it since.

    Args:
        folder: the backup.
        begin: the undoing begins now: once the stack is gone, its traces are told from the owner's work no more.
    """
    changed = _changed(folder)
    if begin:
        write(Path(folder) / EXCUSED, json.dumps(changed) + "\n")
    return {"mixed": mixed(folder), "stays": [*changed, *theirs(folder)]}


def excused(folder: str) -> list[str]:
    """What the owner had changed since the take-over when its undoing began."""
    text = backup.text_of(folder, EXCUSED)
    return json.loads(text) if text else []


def _changed(folder: str) -> list[str]:
    if not Path(look.OUR_MANIFEST).is_file() and (Path(folder) / EXCUSED).is_file():
        return excused(folder)  # the stack is gone already: an undoing goes on
    after, now = _json(folder, AFTER), states()
    taken = {f"network {name}" for name in backup.whole(folder)["taken"]["networks"]}
    keys = sorted({*after, *now} - taken) if after else []
    return [key for key in keys if after.get(key) != now.get(key)]


def theirs(folder: str) -> list[str]:
    """Saved files that no take-over has changed, and that are not as they were saved: only the owner can have."""
    written, saved = _written(folder), [one for one in backup.whole(folder)["files"] if one.startswith("files/")]
    paths = [f"/{name.partition('/')[2]}" for name in saved if not name.endswith(".old")]
    return [f"file {path}" for path in paths if path not in written and _digest(path) != _saved(folder, path)]


def states() -> dict[str, str]:
    """Everything that an undoing compares, by name, as texts that do not change by themselves."""
    networks = virt.names("net-list", "--all")
    found = {f"network {name}": virt.virsh("net-dumpxml", "--inactive", name) for name in networks}
    for name in virt.names("list", "--all"):
        found[f"machine {name}"] = definition(virt.virsh("dumpxml", "--inactive", "--security-info", name))
    found[FORWARD] = "\n".join(sorted(asked("iptables", "-w", "-S", "FORWARD").splitlines()))
    for kind, words in (("zone", "--list-all-zones"), ("policy", "--list-all-policies")):
        found |= {f"firewalld {kind} {name}": text for name, text in blocks(asked("firewall-cmd", words)).items()}
    return found


def definition(text: str) -> str:
    """A machine's definition but for where its interfaces are plugged in."""
    if not text:
        return ""
    root = copy.deepcopy(virt.parsed(text))
    for interface in root.iter("interface"):
        interface.attrib.pop("type", None)
        for source in interface.findall("source"):
            interface.remove(source)
    return " ".join(ET.tostring(root, encoding="unicode").split())


def blocks(text: str) -> dict[str, str]:
    """Firewalld's listing by zone or policy.

    Which zone is marked as active, and in which order interfaces stand, follows from what else is running.
    """
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        plain = re.sub(r" \(.*active.*\)", "", line)
        if line and not line[0].isspace():
            name = plain.split()[0]
        elif line.strip():
            found.setdefault(name, []).append(" ".join(sorted(plain.split())))
    return {name: "\n".join(sorted(lines)) for name, lines in found.items()}


def _files() -> dict[str, str]:
    """Digests of the files that a take-over may change."""
    paths = [str(path) for path in Path(_FIREWALLD).rglob("*") if path.is_file() and path.suffix != ".old"]
    return {path: _digest(path) for path in (*paths, *look.RULE_FILES)}


def _digest(path: str) -> str:
    return _sum(read(path)) if Path(path).is_file() else ""


def _saved(folder: str, path: str) -> str:
    """Digest of a file as it was saved; nothing where there was none."""
    name = f"files{path}"
    return _sum(backup.text_of(folder, name)) if (Path(folder) / name).is_file() else ""


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _json(folder: str, name: str) -> dict[str, Any]:
    text = backup.text_of(folder, name)
    return json.loads(text) if text else {}
