"""Whoever uses the owner's host while it is taken over: somebody in the LAN, and the owner's own machines."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.dell import World
from sandbox.dell.brownfield import SHOP_PORT
from sandbox.dell.site import DELL
from sandbox.dell.tiny import PORT, SHELL
from sandbox.measure import Rig
from sandbox.probe.namespaces import inside

SEGMENTS = ("container", "database", "management", "private", "public")


@dataclass
class Knocker:
    """Somebody on the LAN who asks the owner's shop again and again, at least twice a second.

    Attributes:
        answered: how often it answered.
        failures: what went wrong otherwise.
        in_a_row: failures since it last answered.
        longest: most failures in a row.
    """

    answered: int = 0
    failures: list[str] = field(default_factory=list[str])
    in_a_row: int = 0
    longest: int = 0

    def count(self, failure: str) -> None:
        """Note one try; nothing means that it was answered."""
        self.in_a_row = self.in_a_row + 1 if failure else 0
        self.longest = max(self.longest, self.in_a_row)
        self.answered += not failure
        self.failures += [f"{time.strftime('%H:%M:%S')} {failure}"] if failure else []


@contextmanager
def knocking(world: World) -> Generator[Knocker]:
    """Knock for as long as a `with` block lasts."""
    knocker, done = Knocker(), threading.Event()

    def knock() -> None:
        while not done.wait(0.3):
            connection = inside(world.places["nas"].netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            with connection:
                connection.settimeout(10)
                try:
                    connection.connect((str(DELL), SHOP_PORT))
                    connection.sendall(b"GET /busybox HTTP/1.0\r\nRange: bytes=0-9\r\n\r\n")
                    answer = connection.recv(64)
                except OSError as error:
                    knocker.count(str(error))
                    continue
            knocker.count("" if answer.startswith(b"HTTP/1.") else repr(answer))

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        yield knocker
    finally:
        done.set()
        thread.join()


def say(ready: Rig, segment: str, address: str, line: str = "") -> str:
    """What a machine answers to a guest of a segment: its name, or what a line prints; nothing if it is not reached."""
    guest = next(one for one in ready.guests if one.segment == segment)
    connection = inside(guest.netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    body = f"{line}\n" if line else ""
    asked = f"POST {SHELL} HTTP/1.0\r\nContent-Length: {len(body)}" if line else "GET / HTTP/1.0"
    with connection:
        connection.settimeout(30)
        try:
            connection.connect((address, PORT))
            connection.sendall(f"{asked}\r\n\r\n{body}".encode())
            answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
        except OSError:
            return ""
    return answer.partition("\r\n\r\n")[2].strip()


def reached(ready: Rig, address: str) -> dict[str, bool]:
    """Which segments reach a machine."""
    return {segment: bool(say(ready, segment, address)) for segment in SEGMENTS}


def reaches(ready: Rig, address: str, through: str) -> dict[str, bool]:
    """Which segments a machine reaches; it is told so by a guest beside it. Every guest's bridge answers pings."""
    found: dict[str, bool] = {}
    for segment in SEGMENTS:
        target = next(str(one.address) for one in ready.guests if one.segment == segment)
        found[segment] = " 0 packets received" not in (
            said := say(ready, through, address, f"ping -c 3 -W 5 {target}")
        ) and bool(said)
    return found
