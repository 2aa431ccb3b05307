"""Keeps guests in their seats while bridges come and go: the moments right after a bridge appeared matter most."""

import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, cast

from sandbox.command import CommandError
from sandbox.probe.guests import Guest, port_of, replug
from sandbox.probe.namespaces import ip_batch, run_inside

_PAUSE = 0.05


class Usher:
    """Puts every guest onto its bridge, as soon as there is one: `with Usher(...)`.

    A bridge is told not to run STP before a guest is put onto it: else the guest would be deaf and dumb for the four
    seconds in which an event could open something.

    Args:
        guests: the guests.
        bridges: bridge of each segment.
        host: file of the host's network namespace.
    """

    def __init__(self, guests: Iterable[Guest], bridges: Mapping[str, str], host: Path | None) -> None:
        self._guests = tuple(guests)
        self._bridges = bridges
        self._host = host
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._seated: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._host:
            self._round(self._host)  # a bridge may have come after the last look

    def serve(self, host: Path | None) -> None:
        """From now on the host is that one; none while it is off."""
        with self._lock:
            self._host = host
            self._seated = {}

    @property
    def any_seated(self) -> bool:
        """Whether the first guest sits."""
        return bool(self._seated)

    @property
    def all_seated(self) -> bool:
        """Whether every guest has been put onto its bridge since the host changed, or sat there all the time."""
        return len(self._seated) == len(self._guests)

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE):
            with self._lock:
                if self._host:
                    try:
                        self._round(self._host)
                    except CommandError:  # the host or a bridge went away meanwhile: the next round sees what is there
                        continue

    def _round(self, host: Path) -> None:
        entries = cast("list[dict[str, Any]]", json.loads(run_inside(host, "ip", "-json", "link")))
        links = {str(entry["ifname"]): str(entry.get("master", "")) for entry in entries}
        for guest in self._guests:
            name, bridge = guest.netns.name, self._bridges[guest.segment]
            if bridge not in links:
                continue
            if links.get(port_of(name)) != bridge:
                ip_batch(host, [f"link set {bridge} type bridge stp_state 0"])
                if port_of(name) in links:
                    ip_batch(host, [f"link set {port_of(name)} master {bridge} up"])
                else:
                    replug(host, guest, bridge)
            self._seated[name] = self._seated.get(name, 0) + 1
