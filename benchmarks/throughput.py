"""TCP throughput through several routers in turns, by iperf3: its client on one core, its server on another."""

import json
import os
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks.errors import BenchmarkError
from benchmarks.router import Router
from sandbox.probe.namespaces import run_inside

MEGABYTES = 200
"""How much one client sends: some tenths of a second, so that nobody else on the machine waits for long."""

_CORES = (min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0)))
_AHEAD = ("chrt", "--fifo", "1")
"""Before whatever else runs on the machine: a wait for others is not the router's."""
_LISTENING_WITHIN = 5.0


def throughput(routers: Sequence[Router], turns: int) -> list[list[float]]:
    """Send through every router in turns.

    Args:
        routers: what is compared; who begins changes from turn to turn.
        turns: how often each router is sent through.

    Returns:
        For each router the bits a second that arrived, turn by turn.

    Raises:
        BenchmarkError: a server of iperf3's does not listen.
        CommandError: a client of iperf3's failed.
    """
    arrived: list[list[float]] = [[] for _ in routers]
    with ExitStack() as closing:
        for router in routers:
            closing.enter_context(_server(router))
        for turn in range(turns):
            first = turn % len(routers)
            for index in (*range(first, len(routers)), *range(first)):
                arrived[index].append(_sent(routers[index]))
    return arrived


@contextmanager
def _server(router: Router) -> Generator[None]:
    words = [*_AHEAD, "iperf3", "--server", "--port", str(router.network.port), "--affinity", str(_CORES[1])]
    process = subprocess.Popen(["nsenter", f"--net={router.server}", *words], stdout=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(router)
        yield
    finally:
        process.kill()
        process.wait()


def _wait_until_it_listens(router: Router) -> None:
    ends = time.monotonic() + _LISTENING_WITHIN
    port = router.network.port
    while not run_inside(router.server, "ss", "-Hltn", f"sport = :{port}").strip():
        if time.monotonic() > ends:
            raise BenchmarkError(f"iperf3 does not listen on port {port}; does `iperf3 --server` start?")
        time.sleep(0.05)


def _sent(router: Router) -> float:
    words = ["--client", router.address, "--port", str(router.network.port), "--bytes", f"{MEGABYTES}M", "--json"]
    said = run_inside(router.client, *_AHEAD, "iperf3", *words, "--affinity", str(_CORES[0]))
    return float(json.loads(said)["end"]["sum_received"]["bits_per_second"])
