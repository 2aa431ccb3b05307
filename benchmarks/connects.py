"""New TCP connections through several routers in turns, by a client and a server that cost next to nothing.

Both are one thread: whatever a connection needs happens while `connect` runs, on one core, with nobody to wake up or to
wait for. So what is measured is the kernel's work, and most of what differs is the router's. Each connection is opened,
accepted and reset: four packets. The thread has real-time priority, for other work on the machine does not only take
time, it also has the kernel put packets aside; a slice takes a few milliseconds.
"""

import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.router import Router
from sandbox.probe.namespaces import inside

SLICE = 20
"""Connections between two turns."""

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_CORE = max(os.sched_getaffinity(0))


def connects(routers: Sequence[Router], turns: int) -> list[list[float]]:
    """Open connections through every router in turns.

    Args:
        routers: what is compared; who begins changes from turn to turn.
        turns: how many slices each router gets.

    Returns:
        For each router the seconds that a connection took, slice by slice.
    """
    taken: list[list[float]] = [[] for _ in routers]
    with ExitStack() as closing:
        ears = [closing.enter_context(_listening(router)) for router in routers]
        for turn in range(turns):
            first = turn % len(routers)
            for index in (*range(first, len(routers)), *range(first)):
                taken[index].append(_slice(routers[index], ears[index]))
    return taken


def _listening(router: Router) -> socket.socket:
    return inside(router.server, lambda: socket.create_server((router.address, router.network.port)))


def _slice(router: Router, ear: socket.socket) -> float:
    at = (router.address, router.network.port)

    def work() -> float:
        os.sched_setaffinity(0, {_CORE})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        started = time.perf_counter()
        for _ in range(SLICE):
            with socket.socket() as mouth:
                mouth.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
                mouth.connect(at)
                ear.accept()[0].close()
        return (time.perf_counter() - started) / SLICE

    return inside(Path(router.client), work)
