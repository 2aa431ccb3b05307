"""Machines for program tests: an image that is nothing but its head, and settings that use it."""

import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from tests.components.engine import pulumi_config
from tests.model.machines import KEY

GIBIBYTE = 1024**3


def qcow2(octets: int = 2 * GIBIBYTE, *, backing: int = 0) -> bytes:
    """The head of a qcow2 image of this size."""
    return b"QFI\xfb" + (3).to_bytes(4, "big") + backing.to_bytes(8, "big") + bytes(8) + octets.to_bytes(8, "big")


def furnish(folder: Path, patch: pytest.MonkeyPatch, content: bytes | None = None) -> Path:
    """Put an image into a folder, and the tools that the provider runs on the search path."""
    for tool in ("mkisofs", "xsltproc"):
        (folder / tool).write_text("#!/bin/false\n")
        (folder / tool).chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=os.pathsep)
    image = folder / "debian-12.qcow2"
    image.write_bytes(qcow2() if content is None else content)
    return image


def machine(**changes: object) -> dict[str, object]:
    """A machine's settings; keys that are None are left out."""
    whole = {
        "segment": "public", "address": "10.0.1.10", "ssh_port": 2211, "vcpu": 2, "memory": "2 GiB", "disk": "20 GiB",
        "data": {"size": "50 GiB", "pool": "hdd"}, "image": "debian-12", "pool": "ssd", "user": "owner", "keys": [KEY],
    } | changes  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


DATABASE = machine(segment="database", address="10.0.3.10", ssh_port=2251, data=None)


def config(image: Path, **machines: object) -> dict[str, str]:
    """The owner's settings with an image, and these machines; by default one with and one without leases."""
    digest = sha256(image.read_bytes()).hexdigest()
    said = {name.replace("_", "-"): own for name, own in machines.items()} or {"web-1": machine(), "db-1": DATABASE}
    return pulumi_config() | {
        "twin-vpc:images": json.dumps({"debian-12": {"source": str(image), "sha256": digest}}),
        "twin-vpc:machines": json.dumps(said),
    }
