"""Whether the machine that runs Pulumi holds what machines are made from, found before anything is registered."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.machines import Image, Size
from twinvpc.model.problems import Problem
from twinvpc.model.source import Source

# The provider runs both (terraform-provider-libvirt v0.8.3, utils_xslt.go and cloudinit_def.go).
TOOLS = {"mkisofs": "genisoimage (Debian) or xorriso (Rocky)", "xsltproc": "xsltproc (Debian) or libxslt (Rocky)"}

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class _Disk:
    """What the head of a disk image says.

    Attributes:
        format: `qcow2` or `raw`.
        octets: size of the disk that a guest sees.
        backed: whether it needs another file, which will not be on the host.
    """

    format: str
    octets: int
    backed: bool


def location(image: Image) -> str:
    """Where the provider finds an image: a file of the machine that runs Pulumi."""
    return str(Path(image.source).expanduser())


def missing_for_machines(stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    """Problems with tools and image files, for a stack that has machines."""
    if not stack.machines:
        return
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            what, rule = f"`{tool}` is not installed", "pulumi-libvirt runs it on the machine that runs Pulumi"
            yield source.problem(("machines",), what, rule, f"install {package}")
    for name in sorted({machine.image for machine in stack.machines.values()}):
        yield from _wrong_file(name, stack, source)


def _wrong_file(name: str, stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    image = stack.images[name]
    path, where = Path(location(image)), ("images", name)
    if not (path.is_file() and os.access(path, os.R_OK)):
        what, rule = f"{path} cannot be read", "an image file lies on the machine that runs Pulumi"
        yield source.problem((*where, "source"), what, rule, "correct the path, or put the file there")
        return
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    if digest != image.sha256:
        what, rule = f"{path} has the digest {digest}", f"image `{name}` is {image.sha256}"
        way_out = "download it again, or take the new digest if you trust the file: its machines get new root disks"
        yield source.problem((*where, "sha256"), what, rule, way_out)
        return
    disk = _disk(path)
    yield from _misfits(name, disk, stack, source)


def _misfits(name: str, disk: _Disk, stack: LibvirtStack, source: Source) -> Iterator[Problem]:
    image: Image = stack.images[name]
    if disk.format != image.format:
        what, rule = f"{image.source} is {disk.format}", f"image `{name}` is said to be {image.format}"
        yield source.problem(("images", name, "format"), what, rule, f"set `format: {disk.format}`")
        return
    if disk.backed:
        what, rule = f"{image.source} needs another file", "an image is whole: its backing file is not on the host"
        yield source.problem(("images", name, "source"), what, rule, "flatten it with `qemu-img convert -O qcow2`")
    for machine, own in stack.machines.items():
        if own.image == name and own.disk.octets < disk.octets:
            needed = Size(mebibytes=-(-disk.octets // _MEBIBYTE))
            what, rule = f"{own.disk} for `{machine}`", f"image `{name}` holds a disk of {needed}; a disk cannot shrink"
            yield source.problem(("machines", machine, "disk"), what, rule, f"give it at least {needed}")


def _disk(path: Path) -> _Disk:
    """Read the head of an image (qemu docs/interop/qcow2.txt): magic, version, backing file, …, size at byte 24."""
    with path.open("rb") as file:
        head = file.read(32)
    if head[:4] != b"QFI\xfb":
        return _Disk("raw", path.stat().st_size, backed=False)
    return _Disk("qcow2", int.from_bytes(head[24:32]), backed=int.from_bytes(head[8:16]) != 0)
