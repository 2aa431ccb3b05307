"""Virtual machines of a libvirt stack as the owner says them: sizes with units, images by digest, public keys."""

import re
from base64 import b64decode
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from twinvpc.model.base import Address, ConfigModel, Name, UserName
from twinvpc.model.problems import Rejected, shown
from twinvpc.model.services import HIGHEST_PORT

WELL_KNOWN_PORT = 22
"""Where everybody looks for sshd first."""

KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""What a line of `ssh-keygen`'s `.pub` file begins with (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""

_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
_SIZE = re.compile(r"([1-9][0-9]{0,5}) ?(MiB|GiB|TiB)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"~?/[A-Za-z0-9_./-]+")
_KEY = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})(?: [ -~]{1,200})?")
_LONGEST_SOURCE = 300
_LONGEST_KEY = 2000  # RSA of 8192 bits has 1400 characters


class Size(ConfigModel):
    """An amount of memory or disk; written `2 GiB`."""

    mebibytes: int

    @property
    def octets(self) -> int:
        """The same in bytes."""
        return self.mebibytes * 1024 * 1024

    def __str__(self) -> str:
        """As the owner writes it, in the largest unit that needs no fraction."""
        unit, size = max((item for item in _UNITS.items() if not self.mebibytes % item[1]), key=lambda item: item[1])
        return f"{self.mebibytes // size} {unit}"


def _size(value: object) -> object:
    if isinstance(value, Size):
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Rejected(
            f"{shown(value)} is not a size",
            rule="a size is a whole number and a unit: MiB, GiB or TiB",
            way_out="write for example 2 GiB",
        )
    return Size(mebibytes=int(found[1]) * _UNITS[found[2]])


def _image_source(value: object) -> object:
    known = isinstance(value, str) and len(value) <= _LONGEST_SOURCE and _FILE.fullmatch(value)
    if known and ".." not in str(value).split("/"):
        return value
    is_url = isinstance(value, str) and "://" in value
    raise Rejected(
        f"{shown(value)} is not the source of an image",
        rule="an image is a file of the machine that runs Pulumi, `/…` or `~/…`: nobody compares a URL with its digest",
        way_out="`curl -LO` it, compare `sha256sum` with what the publisher says, then name the file"
        if is_url
        else "write for example ~/images/debian-12-genericcloud-amd64.qcow2",
    )


def _sha256(value: object) -> object:
    if isinstance(value, str) and _SHA256.fullmatch(value):
        return value
    raise Rejected(
        f"{shown(value)} is not a SHA-256 digest",
        rule="an image is what its digest says: 64 characters of 0-9 and a-f, in quotes if all are digits",
        way_out="take it from `sha256sum FILE`, compared with what the publisher says",
    )


def _public_key(value: object) -> object:
    """A public key of one line. What was given is never told back: it may be the private one."""
    if isinstance(value, str) and "PRIVATE KEY" in value:
        raise Rejected(
            "a private key",
            rule="machines get public keys only; a private key stays with its owner",
            way_out="write the line of the `.pub` file; this file may have been seen, so make a new pair",
        )
    found = _KEY.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST_KEY else None
    if found and found[1] in KEY_TYPES and _names_itself(found[1], found[2]):
        return value
    raise Rejected(
        "what stands here is no public key",
        rule=f"a key is one line of a `.pub` file: its type ({', '.join(KEY_TYPES[:3])}, …), the key, a comment",
        way_out="copy the whole line of for example ~/.ssh/id_ed25519.pub",
    )


def _names_itself(kind: str, text: str) -> bool:
    """Whether the key says inside what it is called outside (RFC 4253, 6.6): a torn or mixed-up line does not."""
    try:
        blob = b64decode(text, validate=True)
    except ValueError:
        return False
    return blob[4:].startswith(kind.encode()) and int.from_bytes(blob[:4]) == len(kind) < len(blob) - 4


def _machine_port(value: object) -> object:
    if value == WELL_KNOWN_PORT:
        raise Rejected(
            "port 22",
            rule="SSH never listens on port 22 (V4)",
            way_out="choose a port of the segment's `ssh_ports`",
        )
    return value


SizeText = Annotated[Size, BeforeValidator(_size)]
PublicKey = Annotated[str, BeforeValidator(_public_key)]
MachinePort = Annotated[StrictInt, BeforeValidator(_machine_port), Field(ge=1, le=HIGHEST_PORT)]
Count = Annotated[StrictInt, Field(ge=1, le=1000)]


class Image(ConfigModel):
    """A disk image that machines start from.

    Attributes:
        source: a file of the machine that runs Pulumi.
        sha256: its digest, which the file is compared with before anything is changed.
        format: how the image is written.
    """

    source: Annotated[str, BeforeValidator(_image_source)]
    sha256: Annotated[str, BeforeValidator(_sha256)]
    format: Literal["qcow2", "raw"] = "qcow2"


class DataDisk(ConfigModel):
    """A machine's second disk, which outlives the machine.

    Attributes:
        size: how much it holds.
        pool: storage pool that it lies in.
    """

    size: SizeText
    pool: Name


class Machine(ConfigModel):
    """One virtual machine.

    Attributes:
        segment: the segment that it stands in.
        vcpu: virtual processors.
        memory: main memory.
        disk: size of its root disk, at least that of the image.
        data: a second disk that outlives the machine.
        image: what its root disk starts as, a name of `images`.
        pool: storage pool of its root disk.
        ssh_port: port of its sshd, one of the segment's `ssh_ports`; the host forwards the same one.
        address: its fixed address, outside the segment's DHCP range.
        user: who logs in, with sudo; never root.
        keys: public keys of that user.
    """

    segment: Name
    vcpu: Count
    memory: SizeText
    disk: SizeText
    data: DataDisk | None = None
    image: Name
    pool: Name
    ssh_port: MachinePort
    address: Address
    user: UserName
    keys: Annotated[tuple[PublicKey, ...], Field(min_length=1)]


def _all_memory() -> Size:
    return Size(mebibytes=24 * 1024)


class Limits(ConfigModel):
    """What all machines together may have of the host.

    Attributes:
        vcpu: virtual processors.
        memory: main memory.
        machines: how many there may be.
        warn_from: percentage of `memory` from which a run warns.
    """

    vcpu: Count = 8
    memory: SizeText = Field(default_factory=_all_memory)
    machines: Count = 8
    warn_from: Annotated[StrictInt, Field(ge=1, le=100)] = 70
