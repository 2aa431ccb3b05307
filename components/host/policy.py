"""The policy of all segments on their host."""

import pulumi

from components.component import Component
from components.host.resources import NetworkPolicy, NetworkPolicyArgs


class HostPolicy(Component):
    """The policy on the host, in force before any network is there and after the last one is gone.

    Attributes:
        uplinks: interfaces that the rules take for LAN and Internet.
        firewalld: whether firewalld runs there.

    Creates:
        - `twin-host:index:NetworkPolicy`: one.
    """

    uplinks: pulumi.Output[list[str]]
    firewalld: pulumi.Output[bool]

    def __init__(self, name: str, args: NetworkPolicyArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:host:HostPolicy", name, opts)
        rules = NetworkPolicy(name, args, opts=self.child())
        self.uplinks = rules.uplinks_in_force
        self.firewalld = rules.firewalld
        self.register_outputs({"uplinks": self.uplinks, "firewalld": self.firewalld})
