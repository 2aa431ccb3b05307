"""The sshd of the host, where the owner wants it managed."""

import pulumi

from components.component import Component
from components.host.resources import SshServer, SshServerArgs


class HostSshd(Component):
    """The host's sshd: public key only, on its own ports.

    Attributes:
        state: `in force`, or a sentence.

    Creates:
        - `twin-host:index:SshServer`: one.
    """

    state: pulumi.Output[str]

    def __init__(self, name: str, args: SshServerArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:host:HostSshd", name, opts)
        self.state = SshServer(name, args, opts=self.child()).state
        self.register_outputs({"state": self.state})
