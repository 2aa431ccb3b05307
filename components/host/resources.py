"""Typed resources of our own provider `twin-host` (providers/host), as generated SDKs have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

PACKAGE = "twin-host"


def _camel(name: str) -> str:
    """A Python name as it is written on the wire: `key_file` as `keyFile`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True)
class TwinHostArgs:
    """Where the host is.

    Attributes:
        address: name or address of its sshd, or `local`.
        port: port of its sshd.
        user: who logs in.
        key_file: private key, `~` allowed.
        known_hosts: file that knows the host's key, `~` allowed.
        confirm_seconds: how long a change that may cut SSH off waits for a new login before the host takes it back.
    """

    address: str
    port: int
    user: str
    key_file: str
    known_hosts: str
    confirm_seconds: int


class TwinHost(pulumi.ProviderResource):
    """The provider, bound to one host."""

    def __init__(self, name: str, args: TwinHostArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(PACKAGE, name, {_camel(key): value for key, value in vars(args).items()}, opts)


@dataclass(frozen=True)
class NetworkPolicyArgs:
    """A whole policy as rendered text.

    Attributes:
        ruleset: nft text of tables `inet twin_vpc` and `inet twin_vpc_host`; the provider defines `$uplinks` before it.
        held: nft text of table `inet twin_vpc_held`, which a process of the host holds.
        routing_rules: IPv4 policy-routing rules in order, each without its preference.
        routing_rules6: the same for IPv6.
        bridges: our bridges.
        retired_bridges: bridges of segments that are gone, still denied.
        blocks: block of each bridge, the retired ones included; nothing else on the host may lie in one.
        mark: the table's sign on packets, value and mask in hexadecimal.
        uplinks: interfaces to LAN and Internet; none means those of the host's default routes.
        forwarded_ports: TCP ports of the host that lead to machines; nobody else may listen there.
        zone: firewalld's zone as XML, used where firewalld runs.
        zone_policies: firewalld's policies as XML, by name.
        sysctl: content of our file in /etc/sysctl.d.
    """

    ruleset: str
    held: str
    routing_rules: Sequence[str]
    routing_rules6: Sequence[str]
    bridges: Sequence[str]
    retired_bridges: Sequence[str]
    blocks: Mapping[str, str]
    mark: str
    uplinks: Sequence[str]
    forwarded_ports: Sequence[str]
    zone: str
    zone_policies: Mapping[str, str]
    sysctl: str


@dataclass(frozen=True)
class WatchedNetwork:
    """A libvirt network as it should be found on the host.

    Attributes:
        uuid: libvirt's, known once it exists.
        bridge: its bridge.
        address: the router address with its prefix length.
        leased: first and last address that dnsmasq leases, with a hyphen between, or nothing.
        domain: DNS domain.
        hosts: names by address that its DNS server knows.
        options: dnsmasq's options beside libvirt's own.
    """

    uuid: pulumi.Input[str]
    bridge: str
    address: str
    leased: str
    domain: str
    hosts: Mapping[str, str]
    options: Sequence[str]


@dataclass(frozen=True)
class WatchedPool:
    """A storage pool as it should be found on the host.

    Attributes:
        uuid: libvirt's, known once it exists.
        folder: where it lies.
    """

    uuid: pulumi.Input[str]
    folder: str


@dataclass(frozen=True)
class NetworkWatchArgs:
    """Everything that is watched.

    Attributes:
        networks: by their names on the host.
        pools: by their names on the host.
        uplinks: interfaces to LAN and Internet, which belong on no bridge of ours; those of the host's default routes
            count besides.
    """

    networks: Mapping[str, WatchedNetwork]
    pools: Mapping[str, WatchedPool]
    uplinks: Sequence[str]


class NetworkWatch(pulumi.CustomResource):
    """Looks at networks and pools on every run, names what somebody changed by hand, and puts it right.

    Attributes:
        health: of each network and pool: `in force`, or a sentence.
    """

    health: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: NetworkWatchArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {
            "networks": {name: dict(vars(one)) for name, one in args.networks.items()},
            "pools": {name: dict(vars(one)) for name, one in args.pools.items()},
            "uplinks": args.uplinks,
        }
        super().__init__(f"{PACKAGE}:index:NetworkWatch", name, {**inputs, "health": None}, opts)


@dataclass(frozen=True)
class SshServerArgs:
    """The host's sshd as rendered text.

    Attributes:
        settings: the drop-in.
        ports: ports that sshd listens on then, and no other.
        labels: SELinux modules by name, one for each port.
    """

    settings: str
    ports: Sequence[str]
    labels: Mapping[str, str]


class SshServer(pulumi.CustomResource):
    """The host's sshd by a drop-in of ours, confirmed by a new login.

    Attributes:
        state: `in force`, or a sentence.
    """

    state: pulumi.Output[str]

    def __init__(self, name: str, args: SshServerArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{PACKAGE}:index:SshServer", name, {**vars(args), "state": None}, opts)


class NetworkPolicy(pulumi.CustomResource):
    """The policy as the host holds it: tables, routing rules, kernel settings, firewalld's part, a unit to load it.

    Attributes:
        uplinks_in_force: the uplinks that the rules were loaded with.
        firewalld: whether firewalld runs on the host, so that its zone is a wall too.
    """

    uplinks_in_force: pulumi.Output[list[str]]
    firewalld: pulumi.Output[bool]

    def __init__(self, name: str, args: NetworkPolicyArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        outputs = dict.fromkeys(("uplinks_in_force", "firewalld"))
        super().__init__(f"{PACKAGE}:index:NetworkPolicy", name, {**vars(args), **outputs}, opts)

    def translate_input_property(self, prop: str) -> str:
        """A property's name on the wire."""
        return _camel(prop)

    def translate_output_property(self, prop: str) -> str:
        """A property's name in Python."""
        return "".join(f"_{char.lower()}" if char.isupper() else char for char in prop)
