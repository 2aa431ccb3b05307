"""Working in network namespaces from one process.

Python 3.11 has no `os.setns`. A socket stays for ever in the namespace in which it was made, whichever thread uses
it; so a thread enters, makes it and comes back, and only for that time it is elsewhere.
"""

import ctypes
import os
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sandbox.command import run

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET, <sched.h>
_THIS_THREAD = "/proc/thread-self/ns/net"
_BUFFER = 32 << 20
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it
_libc = ctypes.CDLL(None, use_errno=True)

T = TypeVar("T")


def inside(netns: Path, work: Callable[[], T]) -> T:
    """Do something in another network namespace and return what it returned.

    Args:
        netns: a file that setns(2) accepts.
        work: what to do there, such as opening a socket.

    Raises:
        OSError: the namespace cannot be entered.
        Exception: whatever `work` raised.
    """
    own = os.open(_THIS_THREAD, os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _check(_libc.setns(there, _NEW_NETWORK), f"enter the network namespace {netns}")
        finally:
            os.close(there)
        try:
            return work()
        finally:
            _check(_libc.setns(own, _NEW_NETWORK), "come back to this process's own network namespace")
    finally:
        os.close(own)


def run_inside(netns: Path, *argv: str | Path, stdin: str | None = None, timeout: float = 60) -> str:
    """Run a program in another network namespace and return its standard output.

    Raises:
        CommandError: it ended with a non-zero exit code.
    """
    return run("nsenter", f"--net={netns}", *argv, stdin=stdin, timeout=timeout)


def ip_batch(netns: Path, lines: Sequence[str]) -> None:
    """Run many `ip` commands in a namespace by one process, stopping at the first that fails.

    Raises:
        CommandError: one failed; the message names its line number.
    """
    run_inside(netns, "ip", "-batch", "-", stdin="".join(f"{line}\n" for line in lines))


def identity(netns: Path) -> int:
    """A number that two paths share exactly if they are the same namespace."""
    return netns.stat().st_ino


def raw_socket(netns: Path, family: int, protocol: int, kind: int = socket.SOCK_RAW) -> socket.socket:
    """A raw socket in a namespace, without waiting, whose buffer holds a whole run.

    Args:
        netns: file of the namespace.
        family: AF_INET, AF_INET6 or AF_PACKET.
        protocol: what it hears: an IP protocol number, or an Ethernet type in network order.
        kind: SOCK_RAW, or SOCK_DGRAM for packets without their Ethernet header.
    """
    one = inside(netns, lambda: socket.socket(family, kind, protocol))
    one.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    one.settimeout(0)
    return one


class Anonymous:
    """A network namespace without a name: it and all that is in it vanish with this process, even if that is killed.

    Attributes:
        path: a file that setns(2) accepts, for this process and its children.
    """

    def __init__(self) -> None:
        def make() -> int:
            _check(_libc.unshare(_NEW_NETWORK), "make a network namespace (root is needed)")
            return os.open(_THIS_THREAD, os.O_RDONLY | os.O_CLOEXEC)

        self._handle = _in_thread(make)
        self.path = Path(f"/proc/{os.getpid()}/fd/{self._handle}")

    def close(self) -> None:
        """Let go of it; the kernel removes it once nothing else is in it."""
        os.close(self._handle)


def _check(code: int, what: str) -> None:
    if code != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")


def _in_thread(work: Callable[[], T]) -> T:
    """Do something in a thread of its own, which stays where the work leaves it and is gone."""
    results: list[T] = []
    errors: list[BaseException] = []

    def catch() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread and raised there
            errors.append(error)

    thread = threading.Thread(target=catch)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
