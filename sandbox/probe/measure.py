"""Trying every probe with packets, all at once, from one process."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from sandbox.probe import servers
from sandbox.probe.attempts import Attempt, MeasurementError, Register, start
from sandbox.probe.clients import attempt
from sandbox.probe.ears import Ear
from sandbox.probe.pace import CALM, Pace
from sandbox.probe.packets import DNS_PORT
from sandbox.probe.stands import Stand
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Observation, Probe

_LATE = 0.05
"""Seconds at the end in which a request that was still on its way may arrive."""


class DeafError(MeasurementError):
    """Listeners of ours do not answer a client beside them."""


def measure(probes: Iterable[Probe], stands: Mapping[str, Stand], pace: Pace = CALM) -> tuple[Observation, ...]:
    """Try every probe once, with a nonce of its own, and say what came of it.

    Every listener of ours is first asked from within its own namespace, so a closed probe is never a deaf listener.

    Args:
        probes: what to try; each is tried once even if it is named twice.
        stands: where each node stands, by node.
        pace: how long silence must last.

    Returns:
        One observation per probe, sorted by probe.

    Raises:
        MeasurementError: a node has no stand, a port is taken or cannot be spoken to.
        DeafError: a listener is deaf.
    """
    wanted = sorted(set(probes))
    _refuse(wanted, stands)
    return asyncio.run(_measure(wanted, stands, pace))


def _refuse(probes: Sequence[Probe], stands: Mapping[str, Stand]) -> None:
    for probe in probes:
        for node in (probe.source, probe.destination):
            if node not in stands:
                raise MeasurementError(f"{probe}: nobody stands in `{node}`; stands: {', '.join(sorted(stands))}")
        if probe.protocol is Protocol.ANY:
            raise MeasurementError(f"{probe}: `any` cannot be tried; name TCP, UDP or ICMP")
        real = (probe.protocol, probe.port) in stands[probe.destination].services
        if real and probe.protocol is Protocol.UDP and probe.port != DNS_PORT:
            raise MeasurementError(f"{probe}: of real services over UDP only DNS on port {DNS_PORT} can be spoken to")


async def _measure(probes: Sequence[Probe], stands: Mapping[str, Stand], pace: Pace) -> tuple[Observation, ...]:
    register = Register(start(probe, stands[probe.source], stands[probe.destination]) for probe in probes)
    ears: dict[int, Ear] = {}
    listeners: tuple[servers.Listener, ...] = ()
    try:
        for one in register.tries:
            for place, end in ((one.client_place, one.client), (one.server_place, one.server)):
                if place not in ears:
                    ears[place] = Ear(end.netns, register)
        listeners = servers.listen(register)
        await _hear(listeners, pace.local)
        await _all(register, ears, pace)
        await asyncio.sleep(_LATE)
        for ear in ears.values():
            ear.drain()
    finally:
        servers.close(listeners)
        for ear in ears.values():
            ear.close()
    return tuple(one.observation() for one in register.tries)


async def _hear(listeners: Sequence[servers.Listener], patience: float) -> None:
    heard = await asyncio.gather(*(one.answers_locally(patience) for one in listeners))
    deaf = [one.name for one, answers in zip(listeners, heard, strict=True) if not answers]
    if deaf:
        raise DeafError(f"listeners do not answer a client beside them: {', '.join(deaf)}; closed means nothing")


async def _all(register: Register, ears: Mapping[int, Ear], pace: Pace) -> None:
    room = asyncio.Semaphore(pace.at_once)

    async def take(one: Attempt) -> None:
        async with room:
            ear = ears[one.client_place]
            await attempt(one, ear.icmp, register, ear.drain, pace.silence)

    await asyncio.gather(*(take(one) for one in register.tries))
