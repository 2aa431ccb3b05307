"""The host's sshd: what the program wants of it, what is refused before the host hears of it, and what is in force."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from providers.host.checks import Problem
from providers.host.connection import port_number

DROP_IN = "/etc/ssh/sshd_config.d/00-twin-vpc.conf"
"""Our file, read before those of others; `shell/sshd.sh` and `shell/guard.sh` know it too."""
IN_FORCE = "in force"
"""`SshServer.state` as long as sshd does what our file says, and nothing besides."""
BY_HAND = "changed by hand: "
INPUTS = {"settings": "text", "ports": "list of texts", "labels": "map of texts"}
"""Every input of the resource by its name on the wire."""
NEVER = 22
"""The port that no sshd of ours listens on."""

_LABEL = re.compile(r"twin-vpc-ssh-\d{1,5}")
_ADDRESS = re.compile(r"^ListenAddress \S+:(\S+)$", re.MULTILINE)
_OTHER_FILES = re.compile(r"^\s*(?:Include|Match)\b", re.MULTILINE | re.IGNORECASE)
_SYNONYMS = {"without-password": "prohibit-password"}
"""`sshd -T` still writes some values in old words."""


@dataclass(frozen=True)
class SshServer:
    """The inputs of the resource `twin-host:index:SshServer`, and its one output.

    Attributes:
        settings: the text of our drop-in.
        ports: the ports that sshd listens on then, and no other.
        labels: SELinux modules in CIL by name, which label those ports.
        state: `in force`, or a sentence that names what is not as the settings say.
    """

    settings: str
    ports: tuple[str, ...]
    labels: Mapping[str, str]
    state: str = ""


def ssh_server(values: Mapping[str, object]) -> SshServer:
    """The sshd that checked plain inputs or outputs mean."""
    return SshServer(
        settings=str(values["settings"]),
        ports=tuple(cast("list[str]", values["ports"])),
        labels=dict(cast("dict[str, str]", values["labels"])),
        state=str(values.get("state") or ""),
    )


def problems(values: Mapping[str, object]) -> Iterator[Problem]:
    """Everything that is wrong with the inputs; what is not known yet is left out by the caller."""
    for name in sorted(set(values) - set(INPUTS)):
        yield Problem(name, f"unknown property {name}; known are {', '.join(INPUTS)}")
    for name, kind in INPUTS.items():
        if name in values and not _is_a(kind, values[name]):
            yield Problem(name, f"{name} must be a {kind}")
            return
    ports = [str(port) for port in cast("list[object]", values.get("ports") or [])]
    for port in ports:
        if port_number(port) is None or port_number(port) == NEVER:
            yield Problem("ports", f"{port!r} is no port for sshd: a whole number from 1 to 65535, never {NEVER}")
    for name in cast("Mapping[str, str]", values.get("labels") or {}):
        if not _LABEL.fullmatch(name):
            yield Problem("labels", f"{name!r} is no name for a module of ours: twin-vpc-ssh- and a port")
    if "settings" in values:
        yield from _settings(str(values["settings"]), ports)


def _is_a(kind: str, value: object) -> bool:
    if kind == "text":
        return isinstance(value, str)
    items = list(cast("list[object]", value)) if isinstance(value, list) else None
    if kind == "map of texts" and isinstance(value, dict):
        items = list(cast("dict[str, object]", value).values())
    return items is not None and all(isinstance(item, str) for item in items)


def _settings(text: str, ports: list[str]) -> Iterator[Problem]:
    if "\x00" in text:
        yield Problem("settings", "settings hold a zero byte")
    if match := _OTHER_FILES.search(text):
        yield Problem("settings", f"settings hold `{match[0].strip()}`: they speak for every login, and for themselves")
    if not ports or set(_ADDRESS.findall(text)) != set(ports):
        yield Problem("settings", f"settings and ports ({', '.join(ports)}) name different ports")


@dataclass(frozen=True)
class Found:
    """An sshd as `shell/sshd.sh` has seen it.

    Attributes:
        answers: its answers by name.
    """

    answers: Mapping[str, str]

    def text(self, name: str) -> str:
        """One answer, without blanks around it."""
        return self.answers.get(name, "").strip()

    @property
    def drop_in(self) -> str | None:
        """The text of our file, or none if it is not there."""
        return self.answers.get(f"file:{DROP_IN}")

    @property
    def running(self) -> tuple[bool, bool]:
        """Whether its unit is active, and whether a socket unit is, which would decide on the port."""
        states = self.text("running").splitlines()
        return states[:1] == ["active"], "active" in states[1:]


def as_found(wanted: SshServer, found: Found) -> SshServer | None:
    """The host's sshd as it is, for a refresh; none where our file is gone."""
    if found.drop_in is None:
        return None
    said = [*deviations(wanted.settings, found.text("effective"), found.text("addresses")), *_alive(wanted, found)]
    state = BY_HAND + "; ".join(said) if said else IN_FORCE
    return SshServer(found.drop_in, wanted.ports, wanted.labels, state)


def deviations(settings: str, effective: str, addresses: str) -> Iterator[str]:
    """What sshd would do otherwise than a drop-in says, because of what others have told it.

    Args:
        settings: the drop-in.
        effective: all of sshd's settings, as `sshd -T` lists them.
        addresses: lines of sshd's files that name an address to listen on, each with file and number before it.
    """
    if not effective:
        yield "sshd refuses its settings (`sshd -t` says why)"
        return
    wanted, real = _words(settings), _words(effective)
    for word, values in wanted.items():
        if word != "listenaddress" and real.get(word, [])[:1] != values[:1]:
            given = " ".join(real.get(word, ["nothing"])[:1])
            yield f"sshd takes {word} for {given}, not {values[0]}: another file is read before {DROP_IN}"
    ours, theirs = set(listened(settings)), listened(effective)
    for port in dict.fromkeys(port for port in theirs if port not in ours):
        yield f"sshd is told to listen on {port} too{_where(port, addresses)}"
    for port in sorted(ours - set(theirs)):
        yield f"sshd is not told to listen on {port}"


def listened(settings: str) -> tuple[str, ...]:
    """The ports of all addresses that settings name."""
    return tuple(address.rpartition(":")[2] for address in _words(settings).get("listenaddress", []))


def _words(text: str) -> dict[str, list[str]]:
    """Values by keyword, in order: sshd keeps the first of most."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        word, _, value = line.strip().partition(" ")
        if word and not word.startswith("#"):
            found.setdefault(word.lower(), []).append(_SYNONYMS.get(value, value))
    return found


def _where(port: str, addresses: str) -> str:
    """The line that says so: `/etc/ssh/sshd_config:12:ListenAddress 0.0.0.0:22`; one without a port stands for all."""
    for line in addresses.splitlines():
        file, _, rest = line.partition(":")
        number, _, said = rest.partition(":")
        if file != DROP_IN and (said.endswith(f":{port}") or not re.search(r"[\]\d]:\d+$", said)):
            return f" ({file} line {number}: `{said.strip()}`)"
    return ""


def _alive(wanted: SshServer, found: Found) -> Iterator[str]:
    runs, by_socket = found.running
    if not runs:
        yield f"{found.text('unit')} is stopped"
        return
    if by_socket:
        yield "a socket unit (ssh.socket) decides where sshd listens"
    main, own = found.text("main"), set[str]()
    for line in found.text("listening").splitlines():
        port, process, command = line.split(" ", 2)
        if process == main:
            own.add(port)
        if port not in wanted.ports:
            yield f"sshd listens on {port} too (process {process}: {command.strip()})"
    for port in wanted.ports:
        if port not in own:
            yield f"sshd does not listen on {port}"
