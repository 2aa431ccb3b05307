"""Whether the machine that runs Pulumi holds what it takes to get into the host."""

import os
from collections.abc import Iterator
from pathlib import Path

from twinvpc.model.libvirt import Host
from twinvpc.model.problems import Problem
from twinvpc.model.source import Source

LOCAL = "local"
"""The address that means: Pulumi runs on the host itself."""


def missing_files(host: Host, source: Source) -> Iterator[Problem]:
    """Problems with the key and the known hosts, found before anything is registered.

    A provider with a wrong key would be recorded in the state first and fail at its first use only; a later
    `destroy` then takes it from the state.
    """
    if host.address == LOCAL:
        return
    files = {"key_file": (host.key_file, "private key"), "known_hosts": (host.known_hosts, "list of known hosts")}
    for key, (name, what) in files.items():
        path = Path(name).expanduser()
        if not (path.is_file() and os.access(path, os.R_OK)):
            yield source.problem(
                ("host", key),
                f"{path} cannot be read",
                f"the {what} lies on the machine that runs Pulumi",
                f"correct `twin-vpc:host.{key}`, or put the file there",
            )
