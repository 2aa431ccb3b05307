"""What can be adopted, by resource type: how it is found on the host by name, and by what it is known to be ours.

A new type of resource is one more class and one more line in `KINDS`, or a name in `REPEATED` if the next run needs no
help. One that is in neither is named by the recovery when a run broke off in it: nobody has thought about it yet.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Interface
from pathlib import PurePosixPath

from operations.errors import OperationError
from operations.host import Remote
from operations.recover.found import VIRSH, Found, Inputs, Kind, attributes, differences, rows, uuid
from operations.recover.machine import Domain, Seed

MANIFEST = "/etc/twin-vpc/manifest.json"
"""There from the first line of the policy's installation to the last of its removal (providers/host/shell)."""
POLICY_ID = "twin-vpc"
_MOUNTS = "findmnt --fstab --noheadings --output TARGET --raw; systemctl show --property Where --value '*.mount'"
"""Every place where the host mounts something, mounted or not."""


class Network:
    """A libvirt network.

    One that does not run was defined and not started, or stopped and not yet undefined. Nobody can be on it, so it
    goes, and the next run makes it anew, after the policy. It is never started here: without the policy it would be
    open.
    """

    what = "network"
    lag = 5.0

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Ours has the mode, the bridge and the addresses of the plan."""
        known = rows(host.ask(*VIRSH, "net-list", "--all"))
        name = str(inputs["name"])
        if name not in known:
            return None
        xml = host.ask(*VIRSH, "net-dumpxml", "--inactive", name)
        pairs = zip(attributes(xml, "ip", "address"), attributes(xml, "ip", "prefix|netmask"), strict=False)
        addresses = sorted(str(IPv4Interface(f"{address}/{prefix}").network) for address, prefix in pairs)
        seen = {
            "mode": next(iter(attributes(xml, "forward", "mode")), "isolated"),
            "bridge": next(iter(attributes(xml, "bridge", "name")), "none"),
            "addresses": ", ".join(addresses),
        }
        wanted = {
            "mode": inputs["mode"],
            "bridge": inputs["bridge"],
            "addresses": ", ".join(sorted(inputs["addresses"])),
        }
        return Found(uuid(xml), differences(seen, wanted), unfinished=known[name][0] != "active")

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Undefine it."""
        host.ask(*VIRSH, "net-undefine", str(inputs["name"]))
        return "it was defined and did not run; its definition is gone, the next run makes it anew"


class Pool:
    """A storage pool. It is completed: its folder made, the pool started; nothing in it is touched.

    The folder is made only where it belongs: while the host's disk for it is not mounted, the pool would lie on the
    root disk, and the next run would make empty disks there.
    """

    what = "pool"
    lag = 5.0

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Ours has the type and the folder of the plan."""
        known = rows(host.ask(*VIRSH, "pool-list", "--all"))
        name = str(inputs["name"])
        if name not in known:
            return None
        xml = host.ask(*VIRSH, "pool-dumpxml", "--inactive", name)
        seen = {
            "type": next(iter(attributes(xml, "pool", "type")), "none"),
            "folder": next(iter(re.findall(r"<path>([^<]*)</path>", xml)), "none"),
        }
        wanted = {"type": inputs["type"], "folder": inputs["target"]["path"]}
        return Found(uuid(xml), differences(seen, wanted), unfinished=known[name] != ["active", "yes"])

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Build it, have it start with the host, start it now.

        Raises:
            OperationError: a disk that the host mounts above its folder is not mounted.
        """
        name, folder = str(inputs["name"]), str(inputs["target"]["path"])
        if missing := _unmounted(host, folder):
            raise OperationError(
                f"{host.label}: pool {name} is not whole, and its folder {folder} belongs on {missing}, where nothing "
                "is mounted now: built there, it would lie on another disk. Nothing was built. Mount it "
                f"(`mount {missing}`), or take it out of /etc/fstab, then run this again"
            )
        for verb in ("pool-build", "pool-autostart"):
            host.ask(*VIRSH, verb, name)
        if rows(host.ask(*VIRSH, "pool-list", "--all"))[name][0] != "active":
            host.ask(*VIRSH, "pool-start", name)
        return "it was not whole; its folder is there and it runs"


class HostPolicy:
    """The policy on the host; there is one place for it, so what lies there is ours. The next run completes it."""

    what = "policy"
    lag = 0.0

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
    "libvirt:index/cloudInitDisk:CloudInitDisk": Seed(),
    "libvirt:index/domain:Domain": Domain(),
    "twin-host:index:NetworkPolicy": HostPolicy(),
}
"""Every type that can be adopted, by its token."""

REPEATED = frozenset({"libvirt:index/volume:Volume", "twin-host:index:NetworkWatch"})
"""Types whose creation can simply be repeated.

The provider takes up a volume of that name as it is, and uploads an image once more (terraform-provider-libvirt v0.8.3,
resourceLibvirtVolumeCreate). So nothing here ever touches a data disk. A watch is nothing on the host.
"""


def is_known(resource: Inputs) -> bool:
    """Whether somebody has thought about what a run leaves that broke off in a resource of the state."""
    token = str(resource["type"])
    return not resource.get("custom") or token.startswith("pulumi:") or token in KINDS or token in REPEATED


def _unmounted(host: Remote, folder: str) -> str:
    """The deepest place above a folder where the host says that a disk is mounted, if none is; else nothing."""
    places = {line.strip() for line in host.run("sh", "-c", _MOUNTS).stdout.splitlines()}
    above = [place for place in places if place.startswith("/") and PurePosixPath(folder).is_relative_to(place)]
    deepest = max(above, key=len, default="/")
    return "" if deepest == "/" or host.run("mountpoint", "-q", deepest).code == 0 else deepest
