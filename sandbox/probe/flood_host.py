"""An ear inside the host: a process there, so that it goes down with the host and keeps nothing of it alive."""

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence

from sandbox.probe import packets
from sandbox.probe.flood import mark_of

_PROGRAM = r"""
import select, socket, sys
ears = [socket.socket(socket.AF_INET, socket.SOCK_RAW, kind) for kind in (socket.IPPROTO_TCP, socket.IPPROTO_UDP)]
marks = [bytes.fromhex(word) for word in sys.argv[1:]]
print("ready", flush=True)
while True:
    ready = select.select([*ears, sys.stdin], [], [])[0]
    if sys.stdin in ready:
        break
    for ear in ready:
        data = ear.recv(65535)
        if any(mark in data[:64] for mark in marks):
            print(data[:64].hex(), flush=True)
"""


_MOST = 1 << 20


class HostEar:
    """What the host delivers to itself, behind its input rules.

    Args:
        into: the words that make a command run inside the host.
        marks: what is listened for.
        name: the place, for people.

    Raises:
        OSError: the host's Python does not start there.
    """

    insiders_only = False

    def __init__(self, into: Sequence[str], marks: Iterable[bytes], name: str = "host") -> None:
        self.name = name
        words = [*into, "python3", "-c", _PROGRAM, *(mark.hex() for mark in marks)]
        pipe, theirs = os.pipe()
        self._said = os.fdopen(pipe, "rb", buffering=0)
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=theirs)
        os.close(theirs)
        self._rest = self._said.read(64) or b""
        if not self._rest.startswith(b"ready\n"):
            self.close()
            raise OSError("no ear could be opened inside the host; has it Python?")
        os.set_blocking(pipe, False)
        self._rest = self._rest.removeprefix(b"ready\n")

    def hear(self) -> Iterable[bytes]:
        """The marks of everything that came since it was last asked; a host that is down hears nothing."""
        # A host that shuts down stops all its processes before it ends them; nsenter(1) then stops itself as well, and
        # would neither wake up nor let its child go: the host could not end.
        self._process.send_signal(signal.SIGCONT)
        *lines, self._rest = (self._rest + (self._said.read(_MOST) or b"")).split(b"\n")
        for line in lines:
            packet = packets.parse(bytes.fromhex(line.decode()))
            if packet is not None:
                yield mark_of(packet)

    def close(self) -> None:
        """End the process, if the host has not ended it."""
        for pipe in (self._process.stdin, self._said):
            if pipe:
                pipe.close()
        self._process.wait(20)
