"""What can be adopted, by resource type: how it is found on the host by name, and by what it is known to be ours.

A new type of resource is one more class and one more line in `KINDS`. Types that are not there need none: the next run
makes them, or finds them made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import Any, Protocol

from operations.host import Remote

VIRSH = ("virsh", "--connect", "qemu:///system", "--quiet")
MANIFEST = "/etc/twin-vpc/manifest.json"
"""There from the first line of the policy's installation to the last of its removal (providers/host/shell)."""
POLICY_ID = "twin-vpc"

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """Something of that name on the host.

    Attributes:
        identity: its id for the provider.
        strange: in what it differs from what we would have made; nothing if it is ours.
        unfinished: whether its making or removal broke off.
    """

    identity: str
    strange: tuple[str, ...] = ()
    unfinished: bool = False


class Kind(Protocol):
    """One type of resource."""

    what: str
    """What messages call it."""

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """What bears the name that the inputs give it; none if nothing does."""
        ...

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Bring something unfinished of ours into a whole state, and say which."""
        ...


class Network:
    """A libvirt network.

    One that does not run was defined and not started, or stopped and not yet undefined. Nobody can be on it, so it
    goes, and the next run makes it anew, after the policy. It is never started here: without the policy it would be
    open.
    """

    what = "network"

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Ours has the mode, the bridge and the addresses of the plan."""
        rows = _rows(host.ask(*VIRSH, "net-list", "--all"))
        name = str(inputs["name"])
        if name not in rows:
            return None
        xml = host.ask(*VIRSH, "net-dumpxml", "--inactive", name)
        pairs = zip(_attributes(xml, "ip", "address"), _attributes(xml, "ip", "prefix|netmask"), strict=False)
        addresses = sorted(str(IPv4Interface(f"{address}/{prefix}").network) for address, prefix in pairs)
        seen = {
            "mode": next(iter(_attributes(xml, "forward", "mode")), "isolated"),
            "bridge": next(iter(_attributes(xml, "bridge", "name")), "none"),
            "addresses": ", ".join(addresses),
        }
        wanted = {
            "mode": inputs["mode"],
            "bridge": inputs["bridge"],
            "addresses": ", ".join(sorted(inputs["addresses"])),
        }
        return Found(_uuid(xml), _differences(seen, wanted), unfinished=rows[name][0] != "active")

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Undefine it."""
        host.ask(*VIRSH, "net-undefine", str(inputs["name"]))
        return "it was defined and did not run; its definition is gone, the next run makes it anew"


class Pool:
    """A storage pool. It is completed: its folder made, the pool started; nothing in it is touched."""

    what = "pool"

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Ours has the type and the folder of the plan."""
        rows = _rows(host.ask(*VIRSH, "pool-list", "--all"))
        name = str(inputs["name"])
        if name not in rows:
            return None
        xml = host.ask(*VIRSH, "pool-dumpxml", "--inactive", name)
        seen = {
            "type": next(iter(_attributes(xml, "pool", "type")), "none"),
            "folder": next(iter(re.findall(r"<path>([^<]*)</path>", xml)), "none"),
        }
        wanted = {"type": inputs["type"], "folder": inputs["target"]["path"]}
        return Found(_uuid(xml), _differences(seen, wanted), unfinished=rows[name] != ["active", "yes"])

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Build it, have it start with the host, start it now."""
        name = str(inputs["name"])
        for verb in ("pool-build", "pool-autostart"):
            host.ask(*VIRSH, verb, name)
        if _rows(host.ask(*VIRSH, "pool-list", "--all"))[name][0] != "active":
            host.ask(*VIRSH, "pool-start", name)
        return "it was not whole; its folder is there and it runs"


class HostPolicy:
    """The policy on the host; there is one place for it, so what lies there is ours. The next run completes it."""

    what = "policy"

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """It is there if its manifest is."""
        del inputs
        return Found(POLICY_ID) if host.run("test", "-e", MANIFEST).code == 0 else None

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Nothing to do: see above."""
        del host, inputs
        return "the next run completes it"


KINDS: Mapping[str, Kind] = {
    "libvirt:index/network:Network": Network(),
    "libvirt:index/pool:Pool": Pool(),
    "twin-host:index:NetworkPolicy": HostPolicy(),
}
"""Every type that can be adopted, by its token."""


def _rows(listed: str) -> dict[str, list[str]]:
    """Rows of a list of virsh's by name: state, autostart and so on."""
    words = [line.split() for line in listed.splitlines() if line.strip()]
    return {name: rest for name, *rest in words}


def _attributes(xml: str, element: str, names: str) -> list[str]:
    """An attribute of every element of that name; libvirt's own XML has them in single quotes, an element a line."""
    elements = re.findall(rf"<{element}\s[^>]*>", xml)
    return [m[1] for one in elements if (m := re.search(rf"\s(?:{names})='([^']*)'", one))]


def _uuid(xml: str) -> str:
    return re.findall(r"<uuid>([^<]+)</uuid>", xml)[0]


def _differences(seen: Inputs, wanted: Inputs) -> tuple[str, ...]:
    return tuple(f"{key} {seen[key]} instead of {wanted[key]}" for key in seen if seen[key] != wanted[key])
