"""A router between two segments, in network namespaces of its own: nothing of the machine's network is touched.

A client on one segment's bridge and a server on another's; the other bridges are there and empty. The settings are the
same whatever is loaded: reverse-path filtering as systemd has it, and `src_valid_mark` as our policy wants it.
"""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.probe.lab import FIRST_GUEST, UPLINK, Segment
from sandbox.probe.namespaces import Anonymous, ip_batch, run_inside
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import LibvirtPlan, libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy import nftables, routing
from twinvpc.policy.nftables_chains import MARK
from twinvpc.policy.terms import compile_policy

_FIRST_RULE = 100
_OWNER = re.compile(r"^ *flags owner\n", re.MULTILINE)
# A closed connection is forgotten at once: else the tracking table, which all namespaces share, fills up.
_SETTINGS = (
    "net.ipv4.conf.all.rp_filter=2", "net.ipv4.conf.all.src_valid_mark=1", "net.ipv4.ip_forward=1",
    "net.netfilter.nf_conntrack_tcp_timeout_close=1", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1",
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """What a router holds.

    Attributes:
        nft: its tables; `$uplinks` is defined by the router.
        routing: its policy-routing rules, each the part behind `ip rule add pref N`.
        routing6: the same for IPv6.
    """

    nft: str
    routing: tuple[str, ...] = ()
    routing6: tuple[str, ...] = ()


@dataclass(frozen=True)
class Network:
    """A network that has a flow to measure.

    Attributes:
        plan: its segments.
        ours: our policy of it, all three tables and the routing rules.
        source: the segment that opens.
        destination: the segment that answers.
        port: a port that the flow permits.
    """

    plan: LibvirtPlan
    ours: Rules
    source: Segment
    destination: Segment
    port: int

    @classmethod
    def read(cls, folder: Path, stack_name: str, way: tuple[str, str], port: int) -> Self:
        """Read a network from an owner's files.

        Args:
            folder: where network.yaml and the stack's file are.
            stack_name: the stack.
            way: the segments that open and answer.
            port: a TCP port that the first may open at the second.
        """
        intent = load_stack(folder, stack_name)
        stack = intent.stack
        if not isinstance(stack, LibvirtStack):
            raise TypeError(f"the stack `{stack_name}` is a libvirt stack")
        plan = libvirt_plan(stack, record(intent, Lock()).of(stack_name))
        policy, target = compile_policy(intent), nftables.Target(plan, stack)
        # The third table is held by a process in real life; its rules cost the same without one.
        tables = (nftables.render(policy, target), _OWNER.sub("", nftables.render_held(policy, target)))
        ours = Rules("\n".join(tables), routing.rules(policy, plan), routing.rules6(plan))
        named = {segment.name: segment for segment in plan.segments}
        return cls(plan, ours, named[way[0]], named[way[1]], port)

    @property
    def minimal(self) -> Rules:
        """The least that is stateful: what is established passes, and the one flow may open."""
        return Rules(
            "table inet minimal {\n"
            "    chain forward {\n"
            "        type filter hook forward priority filter; policy drop;\n"
            "        ct state established,related accept\n"
            f'        iifname "{self.source.bridge}" oifname "{self.destination.bridge}" accept\n'
            "    }\n"
            "}\n"
        )

    @property
    def translating(self) -> Rules:
        """The least, and the source NAT without which no segment reaches the Internet."""
        return Rules(
            f"{self.minimal.nft}table inet translating {{\n"
            "    chain source_nat {\n"
            "        type nat hook postrouting priority srcnat; policy accept;\n"
            "        oifname $uplinks masquerade\n"
            "    }\n"
            "}\n"
        )

    @property
    def two_walls(self) -> Rules:
        """The least, source NAT, and the routing rules of our second wall with the sign that they ask for."""
        return Rules(
            f"{self.translating.nft}table inet signing {{\n"
            "    chain sign {\n"
            "        type filter hook prerouting priority dstnat + 10; policy accept;\n"
            f"        meta mark set meta mark | {MARK:#x}\n"
            "    }\n"
            "}\n",
            self.ours.routing,
            self.ours.routing6,
        )


class Router:
    """A router with its client and server, from its making until it is left: `with Router(network, rules) as router`.

    Attributes:
        network: what it routes.
        client: file of the client's namespace.
        server: file of the server's namespace.
        address: the server's address.

    Args:
        network: its segments.
        rules: what it holds.

    Raises:
        CommandError: nft or ip refused something. Nothing is left then.
    """

    def __init__(self, network: Network, rules: Rules) -> None:
        self.network = network
        self.address = str(network.destination.cidr[FIRST_GUEST])
        with ExitStack() as closing:
            places = [Anonymous() for _ in range(3)]
            for place in places:
                closing.callback(place.close)
            self._host, self.client, self.server = (place.path for place in places)
            self._build()
            self._load(rules)
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _build(self) -> None:
        ends = ((self.network.source, self.client), (self.network.destination, self.server))
        lines = ["link set lo up", f"link add {UPLINK} type veth peer name outside", f"link set {UPLINK} up"]
        for segment in self.network.plan.segments:
            lines += [
                f"link add {segment.bridge} type bridge stp_state 0 forward_delay 0",
                f"addr add {segment.cidr[1]}/{segment.cidr.prefixlen} dev {segment.bridge}",
                f"link set {segment.bridge} up",
            ]
        for number, (segment, netns) in enumerate(ends):
            lines += [f"link add guest{number} type veth peer name eth0 netns {netns}"]
            lines += [f"link set guest{number} master {segment.bridge} up"]
        ip_batch(self._host, lines)
        for segment, netns in ends:
            own = f"addr add {segment.cidr[FIRST_GUEST]}/{segment.cidr.prefixlen} dev eth0"
            ip_batch(netns, ["link set lo up", own, "link set eth0 up", f"route add default via {segment.cidr[1]}"])

    def _load(self, rules: Rules) -> None:
        run_inside(self._host, "nft", "-f", "-", stdin=f'define uplinks = {{ "{UPLINK}" }}\n{rules.nft}')
        self._add_routing("-4", rules.routing)
        self._add_routing("-6", rules.routing6)
        run_inside(self._host, "sysctl", "-q", "-w", *_SETTINGS)

    def _add_routing(self, family: str, rules: Sequence[str]) -> None:
        lines = [f"rule add pref {_FIRST_RULE + number} {rule}\n" for number, rule in enumerate(rules)]
        run_inside(self._host, "ip", family, "-batch", "-", stdin="".join(lines))
