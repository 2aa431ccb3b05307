"""The key and the known hosts are looked for before anything is registered."""

from pathlib import Path

import pytest

from components.host.access import missing_files
from twinvpc.model.libvirt import Host
from twinvpc.model.source import Source

SOURCE = Source("Pulumi.dell.yaml", {})


def host(folder: Path, address: str = "192.168.1.10") -> Host:
    return Host.model_validate(
        {
            "address": address,
            "port": 2200,
            "lan": "192.168.1.0/24",
            "key_file": str(folder / "key"),
            "known_hosts": str(folder / "known"),
        }
    )


def test_both_missing_files_are_named_with_their_config_keys(tmp_path: Path) -> None:
    told = [str(problem) for problem in missing_files(host(tmp_path), SOURCE)]
    assert len(told) == 2
    assert "twin-vpc:host.key_file" in told[0]
    assert "twin-vpc:host.known_hosts" in told[1]


@pytest.mark.parametrize("address", ["192.168.1.10", "local"])
def test_nothing_is_said_when_they_are_there_or_not_needed(tmp_path: Path, address: str) -> None:
    if address != "local":
        for name in ("key", "known"):
            (tmp_path / name).touch()
    assert not list(missing_files(host(tmp_path, address), SOURCE))
