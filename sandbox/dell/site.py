"""Which sandbox is meant, and what its things are called."""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.paths import cache_dir, checkout_id

NETNS_FOLDER = Path("/run/netns")
SSH_PORT = 2200
"""The host's own sshd, as in `Pulumi.dell.yaml`; never 22 (requirement H2)."""

INTERNET = IPv4Address("203.0.113.10")
RESOLVER = IPv4Address("198.51.100.53")
WAN_ROUTER = IPv4Address("203.0.113.1")
ROUTER = IPv4Address("192.168.1.1")
DELL = IPv4Address("192.168.1.10")
NAS = IPv4Address("192.168.1.20")
LAPTOP = IPv4Address("192.168.1.30")


class SandboxError(Exception):
    """Something about the sandbox that the person who runs it can mend; the message says how."""


class SandboxDownError(SandboxError):
    """The sandbox is asked for, but it is not up."""


@dataclass(frozen=True)
class Site:
    """One sandbox on this machine: its id and every name that is made of it.

    All that belongs to a sandbox is in `state` or has `twin-<id>` in its name. So two checkouts share a machine,
    and a broken sandbox can be cleared away by name alone.
    """

    id: str

    @property
    def machine(self) -> str:
        """Name of the host container, and of the control group that holds every process of this sandbox."""
        return f"twin-{self.id}"

    @property
    def state(self) -> Path:
        """Folder of all that this sandbox keeps, mode 0700."""
        return cache_dir() / "state" / self.id

    @property
    def dell(self) -> Path:
        """The host's own disk: what differs from the image, and Docker's data. Gone after `down`."""
        return self.state / "dell"

    @property
    def account(self) -> Path:
        """What the simulated AWS account was asked, and what it said of its network. Gone after `down`."""
        return self.state / "account"

    @property
    def home(self) -> Path:
        """Home folder of the laptop's user."""
        return self.state / "home"

    @property
    def key(self) -> Path:
        """The laptop's private SSH key; `.pub` beside it."""
        return self.home / ".ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The laptop's record of the host's SSH key."""
        return self.home / ".ssh" / "known_hosts"

    @property
    def ready(self) -> Path:
        """A file that exists once `up` has ended well."""
        return self.state / "ready"

    @property
    def lock(self) -> Path:
        """Held by `up` and `down`."""
        return self.state / "lock"

    @property
    def dns_log(self) -> Path:
        """One JSON object per line for each DNS query that reached the Internet."""
        return self.state / "dns.log"

    def netns(self, place: str) -> str:
        """Name of a place's network namespace, for `ip -n`."""
        return f"{self.machine}-{place}"

    def netns_path(self, place: str) -> Path:
        """File of a place's network namespace, for `nsenter --net=`."""
        return NETNS_FOLDER / self.netns(place)

    def namespaces(self) -> list[Path]:
        """Every named network namespace of this sandbox that exists now, whoever made it."""
        return sorted(NETNS_FOLDER.glob(f"{self.machine}-*"))


def here() -> Site:
    """This checkout's sandbox; `TWIN_VPC_ID` names another one (tests run a second beside it)."""
    return Site(os.environ.get("TWIN_VPC_ID") or checkout_id())
