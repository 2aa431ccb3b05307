"""A tree as a disk that a BIOS boots, without mounting anything: a partition table, GRUB, one ext4 partition.

`grub-install` wants a block device with partitions, which not every machine can make of a file. What it would do is
little: GRUB's first sector at the start of the disk, the rest behind it, where nothing else is before the partition.
"""

import struct
from pathlib import Path

from sandbox.command import run
from sandbox.guest.settings import LABEL

SECTOR = 512
_FIRST = 2048
"""The partition's first sector. 1 MiB, as every partitioning tool leaves it: GRUB's place."""
_TO_THE_END = 0xFFFFFFFF - _FIRST
"""Sectors of the partition: more than any disk has here. Linux cuts it at the disk's end, so it grows with the disk."""
_CODE = 440
"""Bytes of the first sector that are code; a disk's signature and the table follow."""
_TABLE = 446
_LINUX, _BOOTABLE = 0x83, 0x80
_ANY_CHS = b"\xfe\xff\xff"
"""Cylinder, head and sector of times past: look at the block numbers instead."""

LOADER = f"""linux ($root)/vmlinuz root=LABEL={LABEL} ro quiet loglevel=3 console=ttyS0 mitigations=off
initrd ($root)/initrd.img
boot
"""
MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "boot")
_FEATURES = "^metadata_csum_seed,^orphan_file"
"""Newer than the GRUB and the e2fsck of Debian 12."""


class DiskError(Exception):
    """A disk cannot be made as asked."""


def write(disk: Path, tree: Path, first: bytes, loader: bytes, size: int) -> None:
    """Write a disk.

    Args:
        disk: the file to write, sparse.
        tree: what its only partition holds.
        first: GRUB's `boot.img`.
        loader: what `grub-mkimage` made.
        size: of the whole disk, in MiB.

    Raises:
        DiskError: the loader is too large for its place.
        CommandError: the tree does not fit.
    """
    if len(loader) > (_FIRST - 1) * SECTOR:
        raise DiskError(f"a boot loader of {len(loader)} bytes does not fit before the partition; name fewer modules")
    sectors = size * 1024 * 1024 // SECTOR - _FIRST
    entry = struct.pack("<B3sB3sII", _BOOTABLE, _ANY_CHS, _LINUX, _ANY_CHS, _FIRST, _TO_THE_END)
    with disk.open("wb") as file:
        file.truncate(size * 1024 * 1024)
        file.write(first[:_CODE])
        file.seek(_TABLE)
        file.write(entry)
        file.seek(SECTOR - 2)
        file.write(b"\x55\xaa" + loader)
    options = f"offset={_FIRST * SECTOR},lazy_itable_init=0,lazy_journal_init=0"
    words = ["-q", "-F", "-t", "ext4", "-m", "0", "-L", LABEL, "-O", _FEATURES, "-E", options, "-d", str(tree)]
    run("mke2fs", *words, disk, f"{sectors * SECTOR // 1024}k")
