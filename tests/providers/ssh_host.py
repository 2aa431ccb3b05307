"""The host's sshd through the provider, as Pulumi's laptop runs it, and what is asked of it."""

from collections.abc import Mapping

from pulumi.provider.experimental import provider as sdk

from providers.host import wire
from providers.host.sshd import DROP_IN
from tests.providers.host import Host

URN = "urn:pulumi:dell::twin-vpc::twin-vpc:host:HostSshd$twin-host:index:SshServer::sshd"
KEYS_ALONE = (
    "AuthenticationMethods publickey\nPubkeyAuthentication yes\nPasswordAuthentication no\n"
    "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
)


def inputs(*ports: str, more: str = "") -> dict[str, object]:
    """Every input of the resource, with lines of the test's own."""
    listen = "".join(f"ListenAddress {every}:{port}\n" for port in ports for every in ("0.0.0.0", "[::]"))
    labels = {
        f"twin-vpc-ssh-{port}": f"(portcon tcp {port} (system_u object_r ssh_port_t ((s0) (s0))))\n" for port in ports
    }
    return {"settings": listen + KEYS_ALONE + more, "ports": list(ports), "labels": labels}


class SshHost(Host):
    """The host, with its sshd in place of its policy."""

    def apply(self, *ports: str, more: str = "") -> dict[str, object]:
        order = sdk.CreateRequest(URN, wire.properties(inputs(*ports, more=more)), 60, preview=False)
        return wire.plain(self.call(lambda provider: provider.create(order)).properties)

    def read(self, olds: Mapping[str, object]) -> sdk.ReadResponse:
        known = {name: value for name, value in olds.items() if name != "state"}
        order = sdk.ReadRequest(URN, "sshd", wire.properties(olds), wire.properties(known))
        return self.call(lambda provider: provider.read(order))

    def delete(self, olds: Mapping[str, object]) -> None:
        order = sdk.DeleteRequest(URN, "sshd", wire.properties(olds), 60)
        self.call(lambda provider: provider.delete(order))

    @property
    def drop_in(self) -> str:
        """Our file, or nothing."""
        return self.sh(f"cat {DROP_IN} 2>/dev/null || true")

    @property
    def ports(self) -> set[str]:
        """Where sshd listens."""
        return {line.split()[3].rpartition(":")[2] for line in self.sh("ss -Hltnp | grep sshd").splitlines()}
