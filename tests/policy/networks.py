"""Networks for the policy's tests: the owner's, the port-level one, and random ones, all read by the real model."""

from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.model.machines import KEY
from twinvpc.addressing.lock import Lock, StackLock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan, record
from twinvpc.model.files import read_yaml, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent, load
from twinvpc.model.source import Source
from twinvpc.policy import firewalld, nftables, routing, sysctl
from twinvpc.policy.terms import Policy, compile_policy

ROOT = Path(__file__).parents[2]
UPLINKS = 'define uplinks = { "eno1" }\n'
Raw: TypeAlias = dict[str, Any]

HOST = {"address": "192.168.1.10", "port": 2200, "uplinks": ["eno1"], "lan": "192.168.1.0/24"}
DOCKER = {"pool": "172.17.0.0/16", "swarm_pool": "172.18.0.0/16"}


@dataclass(frozen=True)
class Case:
    """One network on one host, and everything that is rendered from it."""

    network: Raw
    stack: Raw
    before: StackLock = field(default_factory=StackLock)

    @cached_property
    def intent(self) -> Intent:
        return load(Source("network.yaml", self.network), Source("Pulumi.dell.yaml", self.stack), "dell")

    @cached_property
    def libvirt(self) -> LibvirtStack:
        assert isinstance(self.intent.stack, LibvirtStack)
        return self.intent.stack

    @cached_property
    def plan(self) -> LibvirtPlan:
        return libvirt_plan(self.libvirt, record(self.intent, Lock({"dell": self.before})).of("dell"))

    @cached_property
    def policy(self) -> Policy:
        return compile_policy(self.intent)

    @property
    def target(self) -> nftables.Target:
        return nftables.Target(self.plan, self.libvirt)

    @cached_property
    def ruleset(self) -> str:
        return nftables.render(self.policy, self.target)

    @property
    def texts(self) -> dict[str, str]:
        """Everything that reaches the host, by file name."""
        policies = firewalld.zone_policies(self.policy, self.target)
        return {
            "nft": self.ruleset,
            "held.nft": nftables.render_held(self.policy, self.target),
            "routing": "".join(f"{rule}\n" for rule in routing.rules(self.policy, self.plan)),
            "routing6": "".join(f"{rule}\n" for rule in routing.rules6(self.plan)),
            "zone.xml": firewalld.zone(self.policy, self.target),
            "sysctl": sysctl.settings(self.plan),
            **{f"{name}.xml": policies[name] for name in policies},
        }


def from_folder(folder: Path, before: StackLock | None = None) -> Case:
    network, stack = read_yaml(folder / "network.yaml"), stack_source(folder / "Pulumi.dell.yaml")
    assert isinstance(network.mapping, dict)
    assert isinstance(stack.mapping, dict)
    return Case(network.mapping, stack.mapping, before or StackLock())


OWNER = from_folder(ROOT)
PORTS = from_folder(ROOT / "tests" / "fixtures" / "ports")
GONE = StackLock(
    blocks={"worker": IPv4Network("10.0.21.0/24")},
    removed={"cache": IPv4Network("10.0.30.0/24")},
    renamed={"old": "worker"},
)
TAILNET = {**PORTS.stack, "tailnet": {"interface": "tailscale0"}}
GRANTED = [*PORTS.network["flows"], {"from": "tailnet", "to": "web", "services": "tcp/443"}]
CHANGED = Case({**PORTS.network, "flows": GRANTED}, TAILNET, StackLock(removed=GONE.removed, renamed={"old": "web"}))
"""The port-level network after a removal and a rename, with a tailnet."""

_MACHINES = {
    name: {
        "segment": segment, "address": address, "ssh_port": port, "vcpu": 1, "memory": "1 GiB", "disk": "8 GiB",
        "image": "debian", "pool": "ssd", "user": "owner", "keys": [KEY],
    }
    for name, segment, address, port in (("web-1", "web", "10.0.21.11", 2311), ("db-3", "db", "10.0.23.12", 2335))
}  # fmt: skip
MACHINES = Case(
    PORTS.network,
    {
        **TAILNET,
        "pools": {"ssd": "/images"},
        "images": {"debian": {"source": "/srv/debian.qcow2", "sha256": "c3" * 32}},
        "machines": _MACHINES,
    },
)
"""The port-level network with two machines, whose sshd LAN and tailnet reach."""


def shuffled(value: object, random: Random, within: str = "") -> Any:  # noqa: ANN401 - raw YAML
    """The same value with every mapping and every list in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(inner, random, str(key)) for key, inner in items}
    if isinstance(value, list):
        entries = [shuffled(entry, random, within) for entry in value]
        random.shuffle(entries)
        return entries
    return value


PORT_NUMBERS = st.one_of(st.sampled_from([1, 22, 53, 80, 443, 5432, 8080, 65535]), st.integers(1, 65535))


@st.composite
def services(draw: st.DrawFn, *, everything: bool = True) -> str:
    kind = draw(st.sampled_from(["any", "icmp", "port", "span"] if everything else ["icmp", "port", "span"]))
    if kind in {"any", "icmp"}:
        return kind
    first, last = sorted((draw(PORT_NUMBERS), draw(PORT_NUMBERS)))
    return f"{draw(st.sampled_from(['tcp', 'udp']))}/{first}{f'-{last}' if kind == 'span' else ''}"


@st.composite
def flows(draw: st.DrawFn, names: list[str], *, tailnet: bool) -> Raw:
    segments = st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)
    match draw(st.sampled_from(["inside", "to outside", "to host", "from outside"])):
        case "inside":
            source = draw(segments)
            ends = source, [name for name in draw(segments) if name not in source]
        case "to outside":
            ends = draw(segments), [draw(st.sampled_from(["lan", "docker0"]))]
        case "to host":
            host = draw(st.lists(st.one_of(services(everything=False), st.just("host-ssh")), min_size=1, max_size=3))
            return {"from": draw(segments), "to": "host", "services": host}
        case _:
            ends = [draw(st.sampled_from(["lan", "docker0", *(["tailnet"] if tailnet else [])]))], draw(segments)
    if not ends[1]:
        ends = ends[0], ["lan"]
    return {"from": ends[0], "to": ends[1], "services": draw(st.lists(services(), min_size=1, max_size=4))}


@st.composite
def cases(draw: st.DrawFn, most: int = 12) -> Case:
    """A network of up to so many segments, with flows of every kind that may be said."""
    names = [f"s{number}" for number in range(draw(st.integers(1, most)))]
    tailnet = draw(st.booleans())
    switch = st.one_of(st.booleans(), st.lists(services(), min_size=1, max_size=3))
    network = {
        "domain": "lab.local",
        "cidr": "10.0.0.0/16",
        "segments": {name: {"internet": draw(switch)} for name in names},
        "flows": draw(st.lists(flows(names, tailnet=tailnet), max_size=8)),
    }
    return Case(network, stack_of(names, tailnet=tailnet, leasing=draw(st.sets(st.sampled_from(names)))))


def stack_of(names: list[str], *, tailnet: bool = False, leasing: set[str] | None = None) -> Raw:
    """A dell with one /24 for each segment, up to 256 of them, or a /26 each for up to 1000."""
    step = 256 if len(names) <= 256 else 64
    blocks = [IPv4Network((0x0A000000 + n * step, 32 - (step - 1).bit_length())) for n in range(len(names))]
    segments: Raw = {}
    for number, (name, block) in enumerate(zip(names, blocks, strict=True)):
        segments[name] = {"cidr": str(block), "ssh_ports": f"{3000 + number * 10}-{3009 + number * 10}"}
        if name in (leasing or ()):
            segments[name]["dhcp"] = f"{block[10]}-{block[20]}"
    found: Raw = {"kind": "libvirt", "host": HOST, "docker": DOCKER, "segments": segments}
    return {**found, "tailnet": {}} if tailnet else found


def meshed(number: int, reach: int) -> Case:
    """Every segment may open to so many others behind it: half of them everything, half of them ports."""
    names = [f"s{n}" for n in range(number)]
    wanted = ("any", ["icmp", "tcp/1000-2000", "udp/53"])
    found = [
        {"from": name, "to": [names[(n + step) % number] for step in range(1, reach + 1)], "services": wanted[n % 2]}
        for n, name in enumerate(names)
    ]
    segments = {name: {"internet": n % 3 == 0} for n, name in enumerate(names)}
    return Case({"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": segments, "flows": found}, stack_of(names))
