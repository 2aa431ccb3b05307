"""Where the host is: the provider's configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.host.errors import HostError

LOCAL = "local"
"""The address that means: the machine Pulumi runs on, no SSH."""

_KEYS = {
    "address": "address",
    "port": "port",
    "user": "user",
    "keyFile": "key_file",
    "knownHosts": "known_hosts",
    "confirmSeconds": "confirm_seconds",
}
CONFIRM_SECONDS = range(10, 3601)
"""How long a change may wait for its confirmation: less than one slow login takes would undo every change."""
_ENGINE_KEYS = ("version", "pluginDownloadURL")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")


def config_key(name: str) -> str:
    """The stack configuration key behind a provider setting, for messages: `twin-vpc:host.key_file`."""
    return f"twin-vpc:host.{_KEYS.get(name, name)}"


@dataclass(frozen=True)
class Connection:
    """How to reach the host.

    Attributes:
        address: name or IP address, or `local`.
        port: the SSH server's port.
        user: the SSH user; must be root.
        key_file: private key, `~` allowed.
        known_hosts: file with the host's key, `~` allowed; an unknown host key is refused.
        confirm_seconds: how long a change that may cut us off waits for a new login before the host takes it back.
    """

    address: str
    port: int = 22
    user: str = "root"
    key_file: str = "~/.ssh/id_ed25519"
    known_hosts: str = "~/.ssh/known_hosts"
    confirm_seconds: int = 120

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return self.address == LOCAL

    @property
    def label(self) -> str:
        """What messages call the host."""
        return "this machine" if self.is_local else f"{self.user}@{self.address}:{self.port}"

    def require_files(self) -> None:
        """Refuse a key or known_hosts file that is not there, before anything is tried.

        Raises:
            HostError: one of the two files cannot be read.
        """
        if self.is_local:
            return
        for name, value in (("keyFile", self.key_file), ("knownHosts", self.known_hosts)):
            if not Path(value).expanduser().is_file():
                raise HostError(
                    f"{config_key(name)}: there is no file {value}; name the file to reach {self.label} with"
                )


def problems(settings: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """What is wrong with the provider's settings: pairs of setting and sentence. Unknown values are `None`."""
    found = [
        (name, text)
        for name, value in settings.items()
        if not (name in _ENGINE_KEYS or name.startswith("__") or value is None) and (text := _problem(name, value))
    ]
    if "address" not in settings:
        found.append(("address", f"{config_key('address')} is missing; name the host, or `local`"))
    return tuple(found)


def _problem(name: str, value: object) -> str:
    key = config_key(name)
    if name not in _KEYS:
        return f"unknown setting {name}; known are {', '.join(sorted(_KEYS))}"
    if name == "port":
        return "" if port_number(value) else f"{key}: {value!r} is no port; give a whole number from 1 to 65535"
    if name == "confirmSeconds":
        least, most = CONFIRM_SECONDS[0], CONFIRM_SECONDS[-1]
        right = _whole_number(value) in CONFIRM_SECONDS
        return "" if right else f"{key}: {value!r} is no whole number of seconds from {least} to {most}"
    if not isinstance(value, str) or not value:
        return f"{key}: {value!r} is no text; give one"
    if name in {"address", "user"} and not _NAME.fullmatch(value):
        return f"{key}: {value!r} is no {name}; letters, digits, dot, colon, hyphen"
    return ""


def port_number(value: object) -> int | None:
    """A port from what the engine sends (a number, or a text of digits), or none if it is not one."""
    port = _whole_number(value)
    return port if port in range(1, 65536) else None


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return int(text) if text.isascii() and text.isdecimal() else None


def connection(settings: Mapping[str, object]) -> Connection:
    """Build the connection from checked settings.

    Raises:
        HostError: a setting is wrong or not yet known.
    """
    wrong = problems(settings)
    if wrong:
        raise HostError("; ".join(sentence for _, sentence in wrong))
    given = {name: value for name, value in settings.items() if name in _KEYS and value is not None}
    if "address" not in given:
        raise HostError(f"{config_key('address')} is not known yet; it must not depend on a resource")
    default = Connection(address=str(given["address"]))
    return Connection(
        address=default.address,
        port=port_number(given["port"]) or default.port if "port" in given else default.port,
        user=str(given.get("user", default.user)),
        key_file=str(given.get("keyFile", default.key_file)),
        known_hosts=str(given.get("knownHosts", default.known_hosts)),
        confirm_seconds=_whole_number(given.get("confirmSeconds")) or default.confirm_seconds,
    )
