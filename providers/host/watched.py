"""What `twin-host:index:NetworkWatch` is told: libvirt's networks and pools as they should be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from typing import cast

from providers.host.checks import Problem

IN_FORCE = "in force"
"""The health of what is as it should be."""
CHANGED = "changed by hand: "
"""How the health of everything else begins."""
NOT_OURS = "it is not ours"
"""In the health of what bears our name, but has neither the UUID that Pulumi knows nor our definition."""

KINDS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "networks": {
        "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "bridge": re.compile(r"[A-Za-z0-9_.-]{1,15}"),
        "address": re.compile(r"[0-9.]{7,15}/[0-9]{1,2}"),
        "leased": re.compile(r"([0-9.]{7,15}-[0-9.]{7,15})?"),
        "domain": re.compile(r"[A-Za-z0-9.-]{1,253}"),
    },
    "pools": {
        "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "folder": re.compile(r"/[A-Za-z0-9_./-]*"),
    },
}
"""The texts of one network and of one pool, and how each is written."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_OPTION = re.compile(r"[a-z0-9][A-Za-z0-9=,./:_-]*")
INPUTS = ("networks", "pools", "uplinks")
"""Every input of the resource by its name on the wire; all are required."""


@dataclass(frozen=True)
class Network:
    """One libvirt network in mode `open`, active, persistent, started with the host.

    Attributes:
        uuid: under which Pulumi knows it.
        bridge: its bridge.
        address: the router address with its prefix length, alone on the bridge.
        leased: first and last address that dnsmasq leases, or nothing.
        domain: DNS domain, answered here only.
        hosts: names by address, known to its DNS server.
        options: dnsmasq's options beside libvirt's own.
    """

    uuid: str
    bridge: str
    address: str
    leased: str
    domain: str
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    options: tuple[str, ...] = ()

    @property
    def interface(self) -> IPv4Interface:
        """The router address with its block."""
        return IPv4Interface(self.address)


@dataclass(frozen=True)
class Pool:
    """One storage pool of type `dir`, active and started with the host.

    Attributes:
        uuid: under which Pulumi knows it.
        folder: where it lies.
    """

    uuid: str
    folder: str


@dataclass(frozen=True)
class Watched:
    """Everything that is watched, by its name on the host, and interfaces that lead out beside the default routes'."""

    networks: Mapping[str, Network]
    pools: Mapping[str, Pool]
    uplinks: tuple[str, ...]


def watched(values: Mapping[str, object]) -> Watched:
    """What is watched, from checked plain inputs."""
    networks = cast("Mapping[str, Mapping[str, object]]", values["networks"])
    pools = cast("Mapping[str, Mapping[str, str]]", values["pools"])
    return Watched(
        networks={
            name: Network(
                **{key: str(one[key]) for key in KINDS["networks"]},
                hosts=dict(cast("Mapping[str, str]", one["hosts"])),
                options=tuple(cast("Sequence[str]", one["options"])),
            )
            for name, one in networks.items()
        },
        pools={name: Pool(one["uuid"], one["folder"]) for name, one in pools.items()},
        uplinks=tuple(cast("Sequence[str]", values["uplinks"])),
    )


def problems(values: Mapping[str, object]) -> tuple[Problem, ...]:
    """Everything that is wrong with the inputs, as far as they are known yet.

    Args:
        values: plain inputs by their names on the wire.
    """
    unknown = [Problem(name, f"unknown property {name}; known are {', '.join(INPUTS)}") for name in values]
    found = [problem for problem in unknown if problem.name not in INPUTS]
    for kind, texts in KINDS.items():
        for name, one in cast("Mapping[str, Mapping[str, object]]", values.get(kind) or {}).items():
            found += [Problem(kind, f"{kind}.{name}: {said}") for said in _wrong(name, one, texts)]
            if kind == "networks":
                found += [Problem(kind, f"{kind}.{name}: {said}") for said in _wrong_lists(one)]
    return tuple(found)


def _wrong(name: str, one: Mapping[str, object], texts: Mapping[str, re.Pattern[str]]) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "is no name of libvirt's"
    for key, pattern in texts.items():
        if not pattern.fullmatch(str(one.get(key))):
            yield f"{key} {one.get(key)!r} is not written as it must be"


def _wrong_lists(one: Mapping[str, object]) -> Iterator[str]:
    hosts = cast("Mapping[str, str]", one.get("hosts") or {})
    for address, host in hosts.items():
        if not re.fullmatch(r"[0-9.]{7,15}", address) or not _NAME.fullmatch(host.replace(".", "-")):
            yield f"{address} is no address, or {host!r} no name"
    for option in cast("Sequence[str]", one.get("options") or ()):
        if not _OPTION.fullmatch(option):
            yield f"{option!r} is no option of dnsmasq's"
