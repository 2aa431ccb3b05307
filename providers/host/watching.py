"""Networks and pools as a survey found them: what is wrong with each, and the steps that put it right."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from providers.host import libvirt_xml
from providers.host.bridges import Taps, Wiring, bridge
from providers.host.errors import HostError
from providers.host.libvirt_xml import BadXmlError, Element
from providers.host.watched import CHANGED, IN_FORCE, NOT_OURS, Network, Pool, Watched

_SECTION = re.compile(r"^@(\w+)(?: ([A-Za-z0-9_.-]+))?@", re.MULTILINE)
"""virsh ends what it echoes without a new line, and repeats its questions where it was built with readline."""
_XML = {kind: re.compile(rf"<{kind}\b.*?</{kind}>", re.DOTALL) for kind in ("network", "pool")}

_NETWORK_WAY = (
    "look at it with `virsh net-dumpxml {0}`; `make adopt STACK=dell` shows what would happen to it and backs it up "
    "before it makes way; or give it another name. What a killed run of ours has left, `make recover STACK=dell` takes "
    "back"
)
_POOL_WAY = (
    "look at it with `virsh pool-dumpxml {0}`; give it another name, or undefine it, which leaves its files alone"
)


@dataclass(frozen=True)
class Listed:
    """A network or pool in libvirt's list: whether it runs, starts with the host, and has a definition on disk."""

    active: bool
    autostart: bool
    persistent: bool


class Seen:
    """A survey's answers as what they mean.

    Args:
        answers: by name, as `shell/watch.sh` prints them.

    Raises:
        HostError: libvirt did not answer.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers = answers
        pieces = _SECTION.split(answers.get("libvirt", ""))
        self._sections = {
            (kind, name or ""): text for kind, name, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True)
        }
        if ("networks", "") not in self._sections:
            raise HostError(
                "libvirt does not answer on the host (`virsh net-list` there says why); start libvirtd or virtnetworkd"
            )

    def listed(self, kind: str, name: str) -> Listed | None:
        """A network (`networks`) or pool (`pools`) by name, or none if libvirt has none of that name."""
        for line in self._sections.get((kind, ""), "").splitlines():
            match line.split():
                case [found, state, autostart, *rest] if found == name and state in {"active", "inactive"}:
                    return Listed(state == "active", autostart == "yes", rest != ["no"])
                case _:
                    pass
        return None

    def xml(self, section: str, name: str) -> Element | None:
        """The XML of a network (`defined`, `running`) or `pool`."""
        found = _XML["pool" if section == "pool" else "network"].search(self._sections.get((section, name), ""))
        try:
            return libvirt_xml.parse(found[0]) if found else None
        except BadXmlError as error:
            raise HostError(f"libvirt's XML of {name} cannot be read: {error}") from None

    @cached_property
    def links(self) -> Sequence[Mapping[str, Any]]:
        """The host's links as `ip -j` lists them."""
        return cast("Sequence[Mapping[str, Any]]", json.loads(self._answers.get("links") or "[]"))

    @cached_property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """IPv4 addresses with their prefix lengths by link."""
        found = cast("Sequence[Mapping[str, Any]]", json.loads(self._answers.get("addresses") or "[]"))
        return {
            one["ifname"]: tuple(f"{a['local']}/{a['prefixlen']}" for a in one.get("addr_info", []))
            for one in found
            if "ifname" in one
        }

    @cached_property
    def ways_out(self) -> tuple[str, ...]:
        """Links of the host's default routes."""
        return self._leaving("routes")

    @cached_property
    def ways_out6(self) -> tuple[str, ...]:
        """Links of the host's IPv6 default routes."""
        return self._leaving("routes6")

    @cached_property
    def ways_back(self) -> tuple[str, ...]:
        """Links that lead back to the SSH session; none without one."""
        return self._leaving("way-back")

    @property
    def server(self) -> str:
        """The host's address that the SSH session came to, or nothing."""
        return self._answers.get("server", "")

    def _leaving(self, question: str) -> tuple[str, ...]:
        """The links of some routes: several if one is shared out, none if it only refuses."""
        found = cast("Sequence[Mapping[str, Any]]", json.loads(self._answers.get(question) or "[]"))
        hops = [hop for route in found for hop in (route, *cast("list[Mapping[str, Any]]", route.get("nexthops", [])))]
        return tuple(str(hop["dev"]) for hop in hops if "dev" in hop)

    @cached_property
    def taps(self) -> Taps:
        """Machine and network by the tap of a running machine."""
        found: dict[str, tuple[str, str]] = {}
        for line in self._answers.get("machines", "").splitlines():
            machine, tap, network = line.split()
            found[tap] = (machine, network)
        return found

    @property
    def served(self) -> frozenset[str]:
        """Networks whose dnsmasq lives."""
        return frozenset(self._answers.get("served", "").split())


@dataclass(frozen=True)
class Finding:
    """What is wrong with one network or pool, and the steps that put it right, for `shell/mend.sh`.

    A stranger's has a way out instead of steps: nothing of it is overwritten.
    """

    said: tuple[str, ...]
    steps: tuple[str, ...]
    way_out: str = ""

    @property
    def health(self) -> str:
        """`in force`, or a sentence."""
        return CHANGED + "; ".join(self.said) if self.said else IN_FORCE


def findings(wanted: Watched, seen: Seen) -> Mapping[str, Finding]:
    """A finding for every network and pool, by what messages call it."""
    found = {f"network {name}": _Look(name, one, wanted, seen).finding() for name, one in wanted.networks.items()}
    return found | {f"pool {name}": _pool(name, one, seen) for name, one in wanted.pools.items()}


class _Look:
    """One network: its definition, how it runs, its bridge."""

    def __init__(self, name: str, wanted: Network, all_: Watched, seen: Seen) -> None:
        self.name, self.wanted, self.seen = name, wanted, seen
        self.listed = seen.listed("networks", name)
        self.defined, self.running = seen.xml("defined", name), seen.xml("running", name)
        held = self.running.of("bridge", "name") if self.running else ""
        uplinks = (*all_.uplinks, *seen.ways_out)
        self.bridge = bridge(name, wanted, held, Wiring(seen.links, seen.addresses, seen.taps, uplinks))

    def finding(self) -> Finding:
        if self.listed is None or self.defined is None:
            return Finding(("it is not there",), self._anew(None))
        if (uuid := _uuid(self.defined)) != self.wanted.uuid:
            another = f"another network has its name (UUID {uuid})"
            strange = list(libvirt_xml.differences(self.defined, self.wanted))
            if strange:  # defined again word for word it would still be ours; this may hold what nobody has backed up
                return Finding(
                    (f"{another}, and {NOT_OURS}: {', '.join(strange)}",), (), _NETWORK_WAY.format(self.name)
                )
            stop = (f"net-destroy {self.name}",) if self.listed.active else ()
            undefine = (f"net-undefine {self.name}",) if self.listed.persistent else ()
            return Finding((another,), (*stop, *undefine, *self._anew(self.defined)))
        return self._same(self.listed, self.defined)

    def _same(self, listed: Listed, defined: Element) -> Finding:
        said = list(libvirt_xml.differences(defined, self.wanted))
        steps: list[str] = []
        if not listed.persistent:
            said.append("it has no definition and is gone after the next start")
        if said:
            steps.append(self._define(defined))
        live = list(libvirt_xml.differences(self.running, self.wanted)) if self.running and listed.active else []
        said += [f"as it runs, {text}" for text in live if text not in said]
        if not listed.active:
            said.append("it is not running")
            steps += [f"net-start {self.name}", *self._plug()]
        elif live or self._needs_restart(said):
            steps += [*self._stop_and_start()]
        else:
            said += self.bridge.said
            steps += self.bridge.steps
        if not listed.autostart:
            said.append("it does not start with the host")
            steps.append(f"net-autostart {self.name}")
        return Finding(tuple(said), tuple(steps))

    def _needs_restart(self, said: list[str]) -> bool:
        if not self.bridge.there:
            said.append(f"its bridge {self.wanted.bridge} is gone")
        elif self.name not in self.seen.served:
            said.append("its dnsmasq does not run: no leases, no names")
        else:
            return False
        return True

    def _define(self, held: Element | None) -> str:
        return f"net-define {_base64(libvirt_xml.network_xml(self.name, self.wanted, held))}"

    def _anew(self, held: Element | None) -> tuple[str, ...]:
        return (self._define(held), f"net-start {self.name}", *self._plug(), f"net-autostart {self.name}")

    def _stop_and_start(self) -> tuple[str, ...]:
        return (f"net-destroy {self.name}", f"net-start {self.name}", *self._plug())

    def _plug(self) -> tuple[str, ...]:
        """Who was on the bridge loses it with the network, and libvirt plugs nobody in again."""
        return tuple(f"plug {port} {self.wanted.bridge}" for port in self.bridge.guests)


def _pool(name: str, wanted: Pool, seen: Seen) -> Finding:
    listed, held = seen.listed("pools", name), seen.xml("pool", name)
    anew = (
        f"pool-define {_base64(libvirt_xml.pool_xml(name, wanted))}",
        f"pool-start {name}",
        f"pool-autostart {name}",
    )
    if listed is None or held is None:
        return Finding(("it is not there",), anew)
    stop = (f"pool-destroy {name}",) if listed.active else ()
    folder = next((one.text.strip() for one in held.all("target/path")), "")
    if _uuid(held) != wanted.uuid:
        another = f"another pool has its name (UUID {_uuid(held)})"
        if (held.attributes.get("type"), folder) != ("dir", wanted.folder):
            return Finding(
                (f"{another}, and {NOT_OURS}: it lies in {folder or 'nothing'}",), (), _POOL_WAY.format(name)
            )
        return Finding((another,), (*stop, f"pool-undefine {name}", *anew))
    if folder != wanted.folder:
        return Finding((f"it lies in {folder or 'nothing'}, not {wanted.folder}",), (*stop, *anew))
    said: list[str] = []
    steps: list[str] = []
    if not listed.active:
        said.append("it is not running")
        steps.append(f"pool-start {name}")
    if not listed.autostart:
        said.append("it does not start with the host")
        steps.append(f"pool-autostart {name}")
    return Finding(tuple(said), tuple(steps))


def _uuid(xml: Element) -> str:
    return next((one.text.strip() for one in xml.all("uuid")), "")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
