"""Labels of storage pools for a host with SELinux, in the policy's own language: which folders hold machines' disks.

Nothing is said for AppArmor. libvirt writes a profile for each machine from its disks, and the helper that does so may
read files whose names end as ours do, wherever they lie.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

LABELLED = PurePosixPath("/var/lib/libvirt/images")
"""What every distribution's policy labels itself (virt.fc: `/var/lib/libvirt/images(/.*)?`, virt_image_t)."""

_MODULE = """\
; Folders of virtual machines' disks, for a host with SELinux. As root on the host:
;   semodule -i twin-vpc.cil && restorecon -R -v {folders}
; `semodule -r twin-vpc` takes it back.
"""


def unlabelled(folders: Iterable[str]) -> tuple[str, ...]:
    """The folders that the distribution's policy does not take for machines' disks, sorted."""
    return tuple(sorted(folder for folder in folders if not PurePosixPath(folder).is_relative_to(LABELLED)))


def selinux_module(folders: Iterable[str]) -> str:
    """A module in CIL that labels folders and all below; empty where the distribution's policy does it already.

    Args:
        folders: storage pools' folders on the host.
    """
    ours = unlabelled(folders)
    if not ours:
        return ""
    context = "(system_u object_r virt_image_t ((s0) (s0)))"
    patterns = [folder.replace(".", "\\.") for folder in ours]  # nothing else of a folder's name means more than itself
    lines = [f'(filecon "{pattern}(/.*)?" any {context})\n' for pattern in patterns]
    return _MODULE.format(folders=" ".join(ours)) + "".join(lines)
