"""What is written onto the host: golden texts, modes, and shell programs that parse."""

import base64
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from providers.host import files, wire
from providers.host.files import Manifest
from providers.host.remote import reload_firewalld
from tests.providers.samples import MARK, inputs

GOLDEN = Path(__file__).parent / "golden"
SHELL = sorted((Path(files.__file__).parent / "shell").glob("*.sh"))
POLICY = wire.to_policy(inputs())
MANIFEST = Manifest(
    bridges=POLICY.bridges,
    retired_bridges=(),
    mark=MARK,
    uplinks=(),
    uplinks_in_force=("eno1", "wlp3s0"),
    zone_policies=("twin-vpc-forward",),
    ip_forward_before="0",
    blocks=POLICY.blocks,
)


def written(path: str) -> str:
    return files.host_files(POLICY, MANIFEST, firewalld=True)[path]


@pytest.mark.parametrize(
    ("golden", "path"),
    [
        ("twin-vpc.service", files.UNITS[0]),
        ("twin-vpc-hold.service", files.UNITS[1]),
        ("twin-vpc-docker.service", files.UNITS[2]),
        ("nftables.conf", files.DROP_IN),
        ("routing-rules", "/etc/twin-vpc/routing-rules"),
        ("manifest.json", "/etc/twin-vpc/manifest.json"),
    ],
)
def test_what_is_written_is_as_recorded(golden: str, path: str) -> None:
    assert written(path) == (GOLDEN / golden).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), [("ruleset", POLICY.ruleset), ("held", POLICY.held)])
def test_the_rule_sets_begin_with_the_uplinks(name: str, text: str) -> None:
    first, rest = written(f"/etc/twin-vpc/{name}.nft").split("\n", 1)
    assert first == 'define uplinks = { "eno1", "wlp3s0" }'
    assert rest == text


def test_firewalld_files_are_written_only_where_firewalld_is() -> None:
    without = files.host_files(POLICY, MANIFEST, firewalld=False)
    assert set(files.host_files(POLICY, MANIFEST, firewalld=True)) - set(without) == {
        "/etc/firewalld/zones/twin-vpc.xml",
        "/etc/firewalld/policies/twin-vpc-forward.xml",
    }


def test_the_archive_holds_every_file_with_its_path_and_mode() -> None:
    wanted = files.host_files(POLICY, MANIFEST, firewalld=True)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(files.archive(wanted)))) as tar:
        held = {f"/{entry.name}": (entry.mode, entry.size) for entry in tar.getmembers()}
    assert {path: size for path, (_, size) in held.items()} == {
        path: len(text.encode()) for path, text in wanted.items()
    }
    assert {path: mode for path, (mode, _) in held.items() if path.startswith("/etc/twin-vpc/")} == {
        "/etc/twin-vpc/manifest.json": 0o600,
        "/etc/twin-vpc/ruleset.nft": 0o600,
        "/etc/twin-vpc/held.nft": 0o600,
        "/etc/twin-vpc/routing-rules": 0o600,
        "/etc/twin-vpc/routing-rules6": 0o600,
        "/etc/twin-vpc/load": 0o700,
    }


def test_a_manifest_survives_its_file_and_an_edited_one_is_no_manifest() -> None:
    assert Manifest.from_text(MANIFEST.to_text()) == MANIFEST
    for text in ("", "[]", "{}", '{"bridges": 1}', "null"):
        assert Manifest.from_text(text) is None, text


@pytest.mark.parametrize("program", SHELL, ids=lambda path: path.stem)
def test_shell_programs_parse(program: Path) -> None:
    done = subprocess.run(["sh", "-n", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_there_are_ten_shell_programs() -> None:
    assert [path.stem for path in SHELL] == [
        "alone", "guard", "install", "load", "mend", "remove", "sshd", "stage", "survey", "watch",
    ]  # fmt: skip


def test_what_a_killed_reload_took_is_joined_with_what_came_since_and_nothing_stands_twice() -> None:
    kept = {"zone a": {"ports": [("22", "tcp")], "interfaces": ["eth0", "eth1"], "masquerade": True, "target": "x"}}
    now = {
        "zone a": {"ports": [("80", "tcp")], "interfaces": [], "masquerade": False, "target": "y"},
        "zone b": {"ports": [], "interfaces": ["eth1"]},
    }
    assert reload_firewalld.joined(kept, now) == {
        "zone a": {
            "ports": [("80", "tcp"), ("22", "tcp")], "interfaces": ["eth0"], "masquerade": True, "target": "y",
        },
        "zone b": {"ports": [], "interfaces": ["eth1"]},
    }  # fmt: skip
    assert reload_firewalld.joined({}, now) == now
