"""The host's sshd as H2 asks for it: public key only, on the host's own ports, never 22.

A drop-in and no more: whatever else the owner has told sshd stays. It names addresses together with their ports,
because `Port` adds up over all files and is not asked for where an address has a port of its own (sshd_config(5),
ListenAddress): so a `Port 22` elsewhere has no say.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from twinvpc.model.libvirt import LibvirtStack

_HEAD = "# Written by the Pulumi provider twin-host: what is edited here is undone."
_EVERY = (IPv4Address(0), f"[{IPv6Address(0)}]")
_KEYS_ALONE = (
    "AuthenticationMethods publickey",
    "PubkeyAuthentication yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitEmptyPasswords no",
    "PermitRootLogin prohibit-password",
)
"""Each would do alone; together one of them may be lost. Root comes in by key: Pulumi does."""


def ports(stack: LibvirtStack) -> tuple[int, ...]:
    """The ports that the host's sshd listens on: its own, and those that it listens on besides while it moves."""
    return tuple(dict.fromkeys((stack.host.port, *stack.sshd.also)))


def drop_in(stack: LibvirtStack) -> str:
    """Our file in /etc/ssh/sshd_config.d, read before all others: of most settings sshd keeps the first."""
    listen = [f"ListenAddress {every}:{port}" for port in ports(stack) for every in _EVERY]
    return "\n".join([_HEAD, *listen, *_KEYS_ALONE, ""])


def port_labels(stack: LibvirtStack) -> Mapping[str, str]:
    """By name, a module in CIL for each port: under SELinux sshd binds ports of its own type only.

    One for each port, so that a change that is taken back finds the label of the port that it goes back to.
    """
    context = "(system_u object_r ssh_port_t ((s0) (s0)))"
    return {f"twin-vpc-ssh-{port}": f"(portcon tcp {port} {context})\n" for port in ports(stack)}
