"""What a machine leaves on the host when its making broke off.

Neither a seed nor a domain holds data: both can be taken away and made again. Disks are never touched here.
"""

import re
from uuid import uuid4

from operations.host import Remote
from operations.recover.found import VIRSH, Found, Inputs, attributes, differences, uuid

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What a preview has in the place of a value that is not known yet (pulumi, sdk/go/common/resource/plugin/rpc.go)."""
_NO_REMAINS = ("--managed-save", "--nvram", "--snapshots-metadata", "--checkpoints-metadata")
"""What goes with a definition: the same that the provider takes away with one."""


class Domain:
    """A machine's definition.

    One that runs was made to its end but for its first lease: it is adopted, and its guest notices nothing. One that
    does not run was defined and not started, or stopped and not yet undefined: its definition goes, its disks stay, and
    the next run defines it anew.
    """

    what = "machine"
    lag = 45.0  # libvirt asks QEMU first what it can do, and one that is emulated takes long to start

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Ours has the type, the network card and the disks of the plan; as far as those are known already."""
        name = str(inputs["name"])
        if name not in _names(host, "--all"):
            return None
        xml = host.ask(*VIRSH, "dumpxml", "--inactive", name)
        seen = {
            "type": next(iter(attributes(xml, "domain", "type")), "none"),
            "MAC": ", ".join(attributes(xml, "mac", "address")),
            "disks": ", ".join(_disks(xml)),
        }
        disks = [str(disk["volumeId"]) for disk in inputs["disks"]]
        wanted = {
            "type": inputs["type"],
            "MAC": ", ".join(str(card["mac"]).lower() for card in inputs["networkInterfaces"]),
            "disks": seen["disks"] if UNKNOWN in disks else ", ".join(disks),
        }
        return Found(uuid(xml), differences(seen, wanted), unfinished=name in _names(host, "--inactive"))

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Undefine it; its disks stay."""
        host.ask(*VIRSH, "undefine", str(inputs["name"]), *_NO_REMAINS)
        return "it was defined and did not run; its definition is gone, its disks are not: the next run makes it anew"


class Seed:
    """The disk that cloud-init reads at a machine's birth.

    Nobody can see whether it was uploaded to its end. A machine is defined only afterwards, so one that a machine has
    is whole; any other goes, and the next run makes it anew.
    """

    what = "cloud-init disk"
    lag = 5.0

    def find(self, host: Remote, inputs: Inputs) -> Found | None:
        """Its name says what is in it, so what bears it is ours."""
        volume = (str(inputs["name"]), "--pool", str(inputs["pool"]))
        key = host.run(*VIRSH, "vol-key", *volume)
        if key.code != 0:
            return None
        path = host.ask(*VIRSH, "vol-path", *volume).strip()
        used = any(path in _disks(host.ask(*VIRSH, "dumpxml", name), "cdrom") for name in _names(host, "--all"))
        return Found(f"{key.stdout.strip()};{uuid4()}", unfinished=not used)

    def mend(self, host: Remote, inputs: Inputs) -> str:
        """Delete it."""
        host.ask(*VIRSH, "vol-delete", str(inputs["name"]), "--pool", str(inputs["pool"]))
        return "no machine has it, so it may be half written; it is gone, the next run makes it anew"


def _names(host: Remote, which: str) -> frozenset[str]:
    """Names of domains, all or only those that do not run."""
    return frozenset(host.ask(*VIRSH, "list", which, "--name").split())


def _disks(xml: str, device: str = "disk") -> list[str]:
    """Files of a domain's disks, or of its CDs, in their order."""
    disks = re.findall(rf"<disk [^>]*device='{device}'.*?</disk>", xml, re.DOTALL)
    return [file for disk in disks for file in attributes(disk.partition("<backingStore")[0], "source", "file")]
