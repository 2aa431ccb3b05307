"""The values that travel: what the program wants on the host, and what was found to be in force there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

IN_FORCE = "sha256:"
"""How `InForce.kernel` begins as long as nobody has changed what was loaded."""
ENABLED = "enabled"
"""`InForce.service` as long as all units are as installed and start at boot."""


@dataclass(frozen=True)
class Policy:
    """The inputs of the resource `twin-host:index:NetworkPolicy`, all of them rendered texts and names.

    Attributes:
        ruleset: nft text, complete and self-replacing in one transaction; speaks of `$uplinks`.
        held: nft text of the table that a process holds, with its line `flags owner`; speaks of `$uplinks`.
        routing_rules: IPv4 policy-routing rules in order, each the part after the preference.
        bridges: our bridges.
        mark: `value/mask`, the sign of packets that the table has seen.
        uplinks: interfaces that lead out; none means those of the host's IPv4 default routes.
        routing_rules6: the same as `routing_rules` for IPv6.
        retired_bridges: bridges of removed segments, still denied.
        blocks: CIDR block by bridge, of ours and of the retired ones.
        forwarded_ports: TCP ports of the host that lead to machines.
        zone: XML of the firewalld zone `twin-vpc`, or nothing.
        zone_policies: XML of firewalld policies by name.
        sysctl: the text of /etc/sysctl.d/60-twin-vpc.conf.
    """

    ruleset: str
    held: str
    routing_rules: tuple[str, ...]
    bridges: tuple[str, ...]
    mark: str
    uplinks: tuple[str, ...] = ()
    routing_rules6: tuple[str, ...] = ()
    retired_bridges: tuple[str, ...] = ()
    blocks: Mapping[str, str] = field(default_factory=dict[str, str])
    forwarded_ports: tuple[str, ...] = ()
    zone: str = ""
    zone_policies: Mapping[str, str] = field(default_factory=dict[str, str])
    sysctl: str = ""

    @property
    def all_bridges(self) -> tuple[str, ...]:
        """Ours and the retired ones."""
        return (*self.bridges, *self.retired_bridges)


@dataclass(frozen=True)
class InForce:
    """What only the host can tell: the outputs beside the inputs.

    Attributes:
        uplinks: the interfaces that the loaded rule set calls `$uplinks`.
        firewalld: whether the host has firewalld, so that zone and policies were installed.
        ip_forward_before: net.ipv4.ip_forward before the first change, `0` or `1`.
        kernel: `sha256:` and a digest of our tables and the policy-routing rules as loaded; a sentence that names
            the difference once the host no longer holds what was loaded.
        service: `enabled`, or a sentence that names what is wrong with the units.
    """

    uplinks: tuple[str, ...]
    firewalld: bool
    ip_forward_before: str
    kernel: str
    service: str = ENABLED


@dataclass(frozen=True)
class HostState:
    """What a refresh found: a policy and its state, both as the host really has them."""

    policy: Policy
    in_force: InForce
