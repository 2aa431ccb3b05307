"""A pyinfra connection to the host, and what its failures mean in plain words. Used by the child process only."""

import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyinfra.api
import pyinfra.context
from pyinfra.api.exceptions import ConnectError, NestedOperationError, PyinfraError

from providers.host.connection import Connection, config_key
from providers.host.deploy import Depth, HostSurvey, NetworkSurvey, SshdSurvey, Survey
from providers.host.errors import HostError
from providers.host.seat import came_by_ssh

_api: Any = pyinfra.api
_context: Any = pyinfra.context
# Without their types: pyinfra annotates itself only in part.

CONNECT_SECONDS = 10
"""How long a host may take to answer before it counts as unreachable."""
_LAST_ANSWER = "on-default"
"""It passes through all parts of `shell/survey.sh`: what was cut short anywhere lacks it."""
_SILENT_SECONDS = 45
"""How long a connection may be silent before it counts as lost."""


@dataclass(frozen=True)
class Outcome:
    """What a program on the host wrote, and its exit code's meaning: whether it ended well."""

    succeeded: bool
    stdout: str
    stderr: str


class Session:
    """One connection, made on first use and made again when it was lost in between.

    Args:
        connection: where the host is.
        tell: hands a sentence on to the owner while work is under way.
    """

    def __init__(self, connection: Connection, tell: Callable[[str], None] = print) -> None:
        self.connection = connection
        self.tell = tell
        self._state: Any = None

    def survey(self, depth: Depth, settings: Sequence[str] = (), files: Sequence[str] = ()) -> Mapping[str, str]:
        """Ask the host what it is like; changes nothing.

        Raises:
            HostError: the host cannot be reached, answered nothing, or not to the end.
        """
        answers = self._answers(HostSurvey, depth=depth, settings=" ".join(settings), files=tuple(files))
        if depth != "expected" and _LAST_ANSWER not in answers:
            raise HostError(
                f"{self.connection.label} broke off in the middle of its answers; is it short of memory or processes? "
                "Nothing was changed; run `pulumi up` again"
            )
        return answers

    def survey_networks(self, networks: Iterable[str], pools: Iterable[str]) -> Mapping[str, str]:
        """Ask libvirt on the host about networks and pools, by their names; changes nothing.

        Raises:
            HostError: the host cannot be reached or answered nothing.
        """
        return self._answers(NetworkSurvey, networks=" ".join(networks), pools=" ".join(pools))

    def survey_sshd(self) -> Mapping[str, str]:
        """Ask the host what its sshd is like; changes nothing.

        Raises:
            HostError: the host cannot be reached or answered nothing.
        """
        return self._answers(SshdSurvey)

    def _answers(self, survey: type[Survey], **arguments: object) -> Mapping[str, str]:
        state, host = self._connected()
        answers: Mapping[str, str]
        with _context.ctx_state.use(state), _context.ctx_host.use(host):
            try:
                answers = host.get_fact(survey, **arguments)
            except PyinfraError as error:
                raise self._lost(error) from error
        if "uid" not in answers:
            raise HostError(
                f"{self.connection.label} answered nothing; is `sh` the login shell of {self.connection.user}?"
            )
        return answers

    def run(self, deploy: Callable[..., Any], *arguments: object) -> Outcome:
        """Run one operation now.

        Args:
            deploy: one of the operations in `deploy`.
            arguments: its arguments.

        Raises:
            HostError: the connection was lost meanwhile.
        """
        state, host = self._connected()
        meta: Any
        with _context.ctx_state.use(state), _context.ctx_host.use(host):
            try:
                meta = deploy(*arguments)
            except NestedOperationError as error:  # it failed; what it said is kept under its hash
                meta = state.get_op_data_for_host(host, error.args[0]).operation_meta
            except PyinfraError as error:
                raise self._lost(error) from error
        return Outcome(meta.did_succeed(), meta.stdout, meta.stderr)

    @property
    def needs_witness(self) -> bool:
        """Whether a new login proves something and we cannot make one: whoever runs us here came by SSH."""
        return self.connection.is_local and came_by_ssh()

    def renew(self) -> None:
        """Have the next step make a new connection with a new login, whatever became of this one."""
        if not self.connection.is_local:
            self._state = None

    def host_key(self) -> str:
        """The key that the host has shown, as known_hosts holds it: its kind and its value."""
        _, host = self._connected()
        key: Any = host.connector.client.get_transport().get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"

    def _connected(self) -> tuple[Any, Any]:
        if self._state is None or self._is_lost():
            self._state = self._connect()
        return self._state, next(iter(self._state.inventory))

    def _is_lost(self) -> bool:
        if self.connection.is_local:
            return False
        transport: Any = next(iter(self._state.inventory)).connector.client.get_transport()
        return transport is None or not transport.is_active()

    def _connect(self) -> object:
        self.connection.require_files()
        config: Any = _api.Config(CONNECT_TIMEOUT=CONNECT_SECONDS)
        with ExitStack() as on_error:
            wire = None if self.connection.is_local else on_error.enter_context(wire_to(self.connection))
            state: Any = _api.State(self._inventory(wire), config, check_for_changes=False)
            host: Any = next(iter(state.inventory))
            try:
                host.connect(show_errors=False, raise_exceptions=True)
            except ConnectError as error:
                raise HostError(explain(self.connection, str(error))) from error
            except PyinfraError as error:  # a private key that cannot be read
                raise HostError(f"{config_key('keyFile')}: {error}; name a private key without a passphrase") from error
            on_error.pop_all()
        state.activate_host(host)
        state.is_executing = True
        return state

    def _inventory(self, wire: socket.socket | None) -> object:
        here = self.connection
        if wire is None:
            return _api.Inventory((["@local"], {}))
        data = {
            "ssh_hostname": here.address,
            "ssh_port": here.port,
            "ssh_user": here.user,
            "ssh_key": str(Path(here.key_file).expanduser()),
            "ssh_known_hosts_file": str(Path(here.known_hosts).expanduser()),
            "ssh_strict_host_key_checking": "yes",
            "ssh_config_file": os.devnull,
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
            "ssh_paramiko_connect_kwargs": {"sock": wire},
        }
        return _api.Inventory(([(here.address, data)], {}))

    def _lost(self, error: PyinfraError) -> HostError:
        return HostError(
            f"the connection to {self.connection.label} broke off ({error}); run `pulumi up` again, it goes on"
        )


def wire_to(connection: Connection) -> socket.socket:
    """A TCP connection to the host for SSH to use: small packets go at once, and a silent host is given up.

    Paramiko's own would let the kernel hold a small packet back until the one before is acknowledged (RFC 896),
    for which the host takes 0.04 s: at the login, and with every step.

    Raises:
        HostError: there is no way to the host.
    """
    try:
        wire = socket.create_connection((connection.address, connection.port), CONNECT_SECONDS)
        _bound(wire)  # macOS refuses it to a connection that was reset meanwhile
    except socket.gaierror as error:
        raise HostError(explain(connection, f"Could not resolve hostname ({error})")) from error
    except OSError as error:
        raise HostError(explain(connection, f"Could not connect ({error})")) from error
    return wire


def _bound(wire: socket.socket) -> None:
    """Have the kernel hold nothing back, and give a silent connection up; by itself that takes 15 minutes (tcp(7))."""
    knocks = _SILENT_SECONDS // 3
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wanted = {
        "TCP_KEEPIDLE": knocks,
        "TCP_KEEPINTVL": knocks // 3,
        "TCP_KEEPCNT": 6,
        "TCP_USER_TIMEOUT": _SILENT_SECONDS * 1000,
    }
    for name, value in wanted.items():
        if hasattr(socket, name):  # macOS has only some of them
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def explain(connection: Connection, reason: str) -> str:
    """The sentence behind one of pyinfra's reasons for not connecting."""
    label = connection.label
    known = connection.known_hosts
    if "Authentication error" in reason:
        return (
            f"{label} refuses the key {connection.key_file}; put its public half into authorized_keys of "
            f"{connection.user}, or name another key in {config_key('keyFile')} or another user in {config_key('user')}"
        )
    if "No host key" in reason:
        return (
            f"the host key of {label} is not in {known}; compare it on the host's own screen, then "
            f"`ssh-keyscan -p {connection.port} {connection.address} >> {known}`, or name another file: "
            f"{config_key('knownHosts')}"
        )
    if "host key error" in reason:
        return (
            f"{label} shows another host key than the one in {known}: somebody stands in between, or the host was "
            f"installed anew. If it was, remove the old line from {config_key('knownHosts')}"
        )
    if "Could not resolve" in reason:
        return f"{config_key('address')}: no DNS server knows {connection.address}; correct it or give an address"
    keys = f"{config_key('address')} and {config_key('port')}"
    return f"{label} cannot be reached ({reason}); is it up, and are {keys} right?"


def quiet() -> None:
    """Silence the logs of pyinfra and paramiko: what they have to tell goes through the answers."""
    logging.getLogger("pyinfra").setLevel(logging.CRITICAL)
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
