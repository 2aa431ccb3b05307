"""The machines' base image: one qcow2 file, built once per recipe and kept in the cache."""

import shutil
from pathlib import Path

from sandbox import debian
from sandbox.command import progress, run
from sandbox.dell import image as host
from sandbox.guest import disk, settings
from sandbox.paths import cache_dir, content_key

_RECIPE = "1"
"""Raised by hand when the steps below change what the image holds."""
SIZE = 1024
"""MiB of the disk. A machine's own disk is larger, and its file system grows with it."""
NAME = "debian-12.qcow2"

_FINISH = f"""set -e
{settings.units()}
update-initramfs -u
printf '%s' "$1" > /boot/loader.cfg
grub-mkimage -O i386-pc -o /boot/core.img -p '(,msdos1)/boot' -c /boot/loader.cfg {" ".join(disk.MODULES)}
cp /usr/lib/grub/i386-pc/boot.img /boot/
apt-get -qq --yes purge --auto-remove {" ".join(settings.BOOT_PACKAGES)}
cloud-init clean --logs --seed
rm -rf /var/cache/apt /var/cache/debconf /usr/lib/python3/dist-packages/*/tests
"""

# qemu-img of the host's image, which must never be written to: it sees the work folder in a mount of its own.
_CONVERT = """set -e
mount --bind "$1" "$2/mnt"
exec chroot "$2" qemu-img convert -q -c -O qcow2 /mnt/disk.raw "/mnt/$3"
"""


def path() -> Path:
    """Where this recipe's image is, built or not."""
    steps = (_RECIPE, str(SIZE), NAME, _FINISH, _CONVERT, disk.LOADER, debian.SUITE, debian.DPKG, debian.INSTALL)
    return cache_dir() / "guest" / content_key(*steps, *settings.recipe()) / NAME


def ensure() -> Path:
    """Build the image if it is not there, and return its file. It must never be written to.

    Raises:
        CommandError: a step failed; the message holds the end of its output. The next call starts again.
    """
    return debian.kept(path().parent, _build) / NAME


def _build(folder: Path) -> None:
    progress("building the machines' image, once for all checkouts (2 to 4 minutes)")
    folder.mkdir(parents=True)
    tree = folder / "tree"
    debian.install(tree, (*settings.PACKAGES, *settings.BOOT_PACKAGES))
    settings.write(tree)
    debian.inside(tree, "sh", "-c", _FINISH, "sh", disk.LOADER)
    settings.write(tree)  # once more: cloud-init takes the machine's id away
    parts = [tree / "boot" / name for name in ("boot.img", "core.img", "loader.cfg")]
    first, loader, _ = (part.read_bytes() for part in parts)
    for part in parts:
        part.unlink()
    disk.write(folder / "disk.raw", tree, first, loader, SIZE)
    shutil.rmtree(tree)
    run("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", _CONVERT, "sh", folder, host.ensure(), NAME)
    (folder / "disk.raw").unlink()
