"""What pulumi-libvirt does not see: networks and pools as they really are on the host."""

import pulumi

from components.component import Component
from components.host import resources
from components.host.resources import NetworkWatchArgs


class NetworkWatch(Component):
    """Looks at every network, its bridge and every pool on each run, and puts right what was changed by hand.

    pulumi-libvirt makes and removes them, but on a run it compares the program with its own records, and a refresh of
    it does not see most changes (ADR 37). It comes last, so that it sees what the run has made.

    Attributes:
        health: of each network and pool: `in force`, or a sentence.

    Creates:
        - `twin-host:index:NetworkWatch`: one.
    """

    health: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: NetworkWatchArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:host:NetworkWatch", name, opts)
        self.health = resources.NetworkWatch(name, args, opts=self.child()).health
        self.register_outputs({"health": self.health})
