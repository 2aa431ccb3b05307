"""Pulumi.<stack>.yaml of a libvirt stack: what only the Dell knows."""

import re
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from twinvpc.model.base import Address, Block, ConfigModel, InterfaceName, Name, UserName
from twinvpc.model.machines import WELL_KNOWN_PORT, Image, Limits, Machine
from twinvpc.model.problems import Rejected, shown
from twinvpc.model.services import HIGHEST_PORT

BRIDGE_PREFIX = "br-"
"""A segment's bridge on the host is called by this and its name."""

_LONGEST_TEXT = 200
_SPAN = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_FOLDER = re.compile(r"/[A-Za-z0-9_./-]+")
_FILE = re.compile(r"~?/[A-Za-z0-9_./-]+")  # it becomes a part of a connection's address, where & and = have a meaning
_SERVER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


class AddressRange(ConfigModel):
    """Addresses from first to last, both included; written `10.0.0.10-10.0.0.50`."""

    first: IPv4Address
    last: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        """Whether the address lies in the range."""
        return self.first <= address <= self.last

    def __str__(self) -> str:
        """As the owner writes it."""
        return f"{self.first}-{self.last}"


class PortSpan(ConfigModel):
    """Ports from first to last, both included; written `2201-2210`."""

    first: int
    last: int

    def __str__(self) -> str:
        """As the owner writes it."""
        return f"{self.first}-{self.last}"


def _address_range(value: object) -> object:
    if isinstance(value, AddressRange):
        return value
    parts = value.split("-") if isinstance(value, str) else []
    try:
        first, last = (IPv4Address(part.strip()) for part in parts)
    except ValueError:
        first, last = IPv4Address(1), IPv4Address(0)
    if first > last:
        raise Rejected(
            f"{shown(value)} is not a range of addresses",
            rule="a range is two addresses, the first not above the last",
            way_out="write it as 10.0.0.10-10.0.0.50",
        )
    return AddressRange(first=first, last=last)


def _port_span(value: object) -> object:
    if isinstance(value, PortSpan):
        return value
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if not found or not 1 <= int(found[1]) <= int(found[2]) <= HIGHEST_PORT:
        raise Rejected(
            f"{shown(value)} is not a range of ports",
            rule=f"ports run from 1 to {HIGHEST_PORT}, the first not above the last",
            way_out="write it as 2201-2210",
        )
    return PortSpan(first=int(found[1]), last=int(found[2]))


def _folder(value: object) -> object:
    path = PurePosixPath(value) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
    if path is None or ".." in path.parts or not _FOLDER.fullmatch(str(path)):
        raise Rejected(
            f"{shown(value)} is not a folder of the host",
            rule="folders are absolute paths of letters, digits, `_`, `.`, `-`, without `..`",
            way_out="write for example /data/kvm/images",
        )
    return str(path)


def _key_file(value: object) -> object:
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and _FILE.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a file of the machine that runs Pulumi",
        rule="files are paths that begin with `/` or `~/`, of letters, digits, `_`, `.`, `-`",
        way_out="write for example ~/.ssh/id_ed25519",
    )


def _server(value: object) -> object:
    if isinstance(value, str) and len(value) <= _LONGEST_TEXT and _SERVER.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not the address of a host",
        rule="the host is named by an IPv4 address, a DNS name, or `local`",
        way_out="write for example 192.168.1.10",
    )


def _not_22(value: object) -> object:
    if value == WELL_KNOWN_PORT:
        raise Rejected(
            "port 22",
            rule="SSH never listens on port 22 (V4, H2)",
            way_out="move the host's sshd to another port and name it in `twin-vpc:host.port`",
        )
    return value


Folder = Annotated[str, BeforeValidator(_folder)]
KeyFile = Annotated[str, BeforeValidator(_key_file)]
SshPort = Annotated[StrictInt, BeforeValidator(_not_22), Field(ge=1, le=HIGHEST_PORT)]


class Host(ConfigModel):
    """The workstation, and how Pulumi gets in.

    Attributes:
        address: name or address of its sshd, or `local` when Pulumi runs on the host itself.
        port: port of its sshd, never 22; management guests reach it too.
        user: who logs in; needs root's rights.
        key_file: private key on the machine that runs Pulumi.
        known_hosts: file that knows the host's key.
        uplinks: interfaces that lead to LAN and Internet; empty means those of the default route.
        lan: the home network behind the uplink.
        virtualization: what runs machines: `kvm`, or `qemu` alone where the processor's help is missing, much slower.
        confirm_seconds: how long a change that may cut SSH off waits for a new login before the host takes it back.
    """

    address: Annotated[str, BeforeValidator(_server)]
    port: SshPort
    user: UserName = "root"
    key_file: KeyFile = "~/.ssh/id_ed25519"
    known_hosts: KeyFile = "~/.ssh/known_hosts"
    uplinks: tuple[InterfaceName, ...] = ()
    lan: Block
    virtualization: Literal["kvm", "qemu"] = "kvm"
    confirm_seconds: Annotated[StrictInt, Field(ge=10, le=3600)] = 120


class Sshd(ConfigModel):
    """The host's own sshd: left as it is, unless it is said to be managed.

    Attributes:
        managed: whether its settings are ours: public key only, on `host.port` alone. Off by default.
        also: ports that it listens on besides, so that `host.port` can move there later without a moment's lock-out.
    """

    managed: StrictBool = False
    also: tuple[SshPort, ...] = ()


class Docker(ConfigModel):
    """Docker's networks on the host, which no segment may touch.

    Attributes:
        bridge: Docker's default bridge, the node `docker0`.
        pool: block from which Docker cuts its bridge networks.
        swarm_pool: block for Swarm's networks; its own default, 10.0.0.0/8, would take the first segment.
    """

    bridge: InterfaceName = "docker0"
    pool: Block
    swarm_pool: Block


class Tailnet(ConfigModel):
    """Tailscale on the host: its interface, as the node `tailnet`."""

    interface: InterfaceName = "tailscale0"


class SegmentAddresses(ConfigModel):
    """Where a segment lies on the host.

    Attributes:
        cidr: its block; the first address is the router address.
        dhcp: addresses that dnsmasq leases; none means static addresses only.
        static: names with fixed addresses, known to DNS in every segment.
        ssh_ports: ports for the sshd of this segment's machines.
    """

    cidr: Block
    dhcp: Annotated[AddressRange, BeforeValidator(_address_range)] | None = None
    static: dict[Name, Address] = Field(default_factory=dict)
    ssh_ports: Annotated[PortSpan, BeforeValidator(_port_span)]


class LibvirtStack(ConfigModel):
    """The whole configuration of a libvirt stack.

    Attributes:
        kind: tells this substrate from the others.
        host: the workstation.
        sshd: its sshd.
        docker: its Docker networks.
        tailnet: its Tailscale interface, if it has one.
        segments: addresses of every segment of network.yaml.
        pools: folders for storage pools, by name.
        images: what machines start from, by name.
        machines: virtual machines, by name, which is their host name.
        limits: what all machines together may have.
    """

    kind: Literal["libvirt"]
    host: Host
    sshd: Sshd = Field(default_factory=Sshd)
    docker: Docker
    tailnet: Tailnet | None = None
    segments: dict[Name, SegmentAddresses]
    pools: dict[Name, Folder] = Field(default_factory=dict)
    images: dict[Name, Image] = Field(default_factory=dict)
    machines: dict[Name, Machine] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
