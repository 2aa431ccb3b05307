"""What the host is like: the answer to `look`, typed."""

import json
from collections.abc import Sequence
from ipaddress import IPv4Network
from typing import Any

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Part of the host's answer; frozen, and nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interface(Answer):
    """A machine's interface that is a port of a bridge.

    Attributes:
        kind: `network` or `bridge`.
        source: which one.
        bridge: the bridge that libvirt believes it is a port of; empty for the definition.
        mac: its hardware address.
        link: its link on the host while the machine runs.
        port_of: the bridge that the link really is a port of.
        address: what the network's DHCP server gave it.
    """

    kind: str
    source: str
    bridge: str
    mac: str
    link: str
    port_of: str
    address: str


class Machine(Answer):
    """A machine of libvirt's: its interfaces now, and at its next start."""

    name: str
    running: bool
    now: tuple[Interface, ...]
    next: tuple[Interface, ...]

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """All of them, those of now first, each MAC address once."""
        known = {one.mac for one in self.now}
        return (*self.now, *(one for one in self.next if one.mac not in known))


class Network(Answer):
    """A network of libvirt's; `blocks` as address and prefix or mask, `ranges` as first-last."""

    name: str
    active: bool
    autostart: bool
    mode: str
    bridge: str
    blocks: tuple[str, ...]
    ranges: tuple[str, ...]

    @property
    def nets(self) -> tuple[IPv4Network, ...]:
        """Its IPv4 blocks."""
        return tuple(IPv4Network(block, strict=False) for block in self.blocks)


class Entry(Answer):
    """Something set in firewalld: `scope` is `now` or `--permanent`, `kind` zone or policy, `owner` its name."""

    scope: str
    kind: str
    owner: str
    what: str
    value: str


class Table(Answer):
    """A stranger's base chain of nft on the forward hook."""

    table: str
    chain: str
    policy: str


class DockerNetwork(Answer):
    """A network of Docker's."""

    name: str
    blocks: tuple[str, ...]
    containers: tuple[str, ...]


class Backup(Answer):
    """An earlier backup that was not undone."""

    folder: str
    status: str


class Survey(Answer):
    """The whole host, as far as a take-over must know.

    Attributes:
        answers: what the host's provider asks before it loads a policy, by its names; `ip -j` prints most of them.
        forward: iptables' chain FORWARD.
        chains: its whole table `filter`, with the chains that FORWARD leads to.
        docker_user: whether Docker's chain for the owner's rules is there.
        rule_files: lines of the files that iptables is loaded from at boot.
        ours: whether our policy is on the host.
    """

    answers: dict[str, str]
    networks: tuple[Network, ...]
    machines: tuple[Machine, ...]
    links: tuple[str, ...]
    forward: tuple[str, ...]
    chains: tuple[str, ...]
    docker_user: bool
    rule_files: dict[str, tuple[str, ...]]
    tables: tuple[Table, ...]
    firewalld: tuple[Entry, ...]
    docker: tuple[DockerNetwork, ...]
    ours: bool
    backup: Backup | None

    def network(self, name: str) -> Network | None:
        """A network by its name."""
        return next((one for one in self.networks if one.name == name), None)

    def on(self, network: Network) -> Sequence[tuple[Machine, Interface]]:
        """Machines with an interface on a network, by its name or by its bridge."""
        return [
            (machine, one)
            for machine in self.machines
            for one in machine.interfaces
            if (one.kind, one.source) in {("network", network.name), ("bridge", network.bridge)}
        ]

    @property
    def ways_out(self) -> tuple[str, ...]:
        """Links of the main table's default routes."""
        routes = [one for one in _listed(self.answers.get("all-routes", "")) if one.get("dst") == "default"]
        hops = [hop for one in routes if "table" not in one for hop in (one, *one.get("nexthops", []))]
        return tuple(dict.fromkeys(str(hop["dev"]) for hop in hops if "dev" in hop))

    def nets_of_links(self) -> Sequence[tuple[IPv4Network, str]]:
        """Every block that a route or an address of the host speaks of, each with its link; default routes apart."""
        routes = [
            (route["dst"], route["dev"]) for route in _listed(self.answers.get("all-routes", "")) if "dev" in route
        ]
        addresses = [
            (f"{one['local']}/{one['prefixlen']}", link["ifname"])
            for link in _listed(self.answers.get("addresses", ""))
            for one in link.get("addr_info", [])
        ]
        named = [(text, str(link)) for text, link in (*routes, *addresses) if text != "default"]
        nets = [(IPv4Network(text, strict=False), link) for text, link in named]
        return [(net, link) for net, link in nets if net.prefixlen > 1]


def _listed(text: str) -> list[dict[str, Any]]:
    return json.loads(text) if text.strip() else []
