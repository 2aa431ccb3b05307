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


def test_a_chain_that_is_used_in_one_table_only_is_not_made_in_another() -> None:
    nat = "*nat\n:OUTPUT ACCEPT [7:9]\n[1:2] -A OUTPUT -j DOCKER\nCOMMIT\n"
    given = f"{nat}*filter\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A FORWARD -j X\nCOMMIT\n"
    kept = f"{nat}*filter\n:FORWARD DROP [0:0]\n[0:0] -A FORWARD -j X\nCOMMIT\n"
    assert reload_firewalld.without_idle_chains(given) == kept


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


BEFORE = """# Generated
*nat
:PREROUTING ACCEPT [1:2]
:OUTPUT ACCEPT [0:0]
[3:4] -A PREROUTING -s 198.51.100.9 -j ACCEPT
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
[5:6] -A DOCKER-USER -s 198.51.100.99 -j DROP
COMMIT
"""
NOW = """*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[0:0] -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
COMMIT
*mangle
:FORWARD ACCEPT [0:0]
COMMIT
"""


def test_what_docker_has_made_meanwhile_is_kept_beside_what_is_put_back() -> None:
    """Else a reload soon after another one takes the host's published ports away for good."""
    text = reload_firewalld.merged(BEFORE, NOW)
    assert reload_firewalld.rules(text) == [
        "*nat", ":PREROUTING ACCEPT ", ":OUTPUT ACCEPT ", ":DOCKER - ",
        "-A PREROUTING -s 198.51.100.9 -j ACCEPT", "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "-A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80", "COMMIT",
        "*filter", ":FORWARD DROP ", ":DOCKER-USER - ", "-A FORWARD -j DOCKER-USER",
        "-A DOCKER-USER -s 198.51.100.99 -j DROP", "COMMIT",
    ]  # fmt: skip
    assert "[5:6] -A DOCKER-USER" in text, "with its counters"
    assert reload_firewalld.rules(reload_firewalld.merged(BEFORE, BEFORE)) == reload_firewalld.rules(BEFORE)
    assert "mangle" not in text, "what only stands there now is not touched"


PUBLISHED = """*filter
:DOCKER-USER - [0:0]
COMMIT
*nat
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""


def without(line: str) -> str:
    assert line in PUBLISHED
    return "".join(one for one in PUBLISHED.splitlines(keepends=True) if line not in one)


@pytest.mark.parametrize(
    ("text", "half"),
    [
        pytest.param(PUBLISHED, False, id="all of it"),
        pytest.param(without("-A PREROUTING"), True, id="nothing leads to its ports"),
        pytest.param(without("-j DNAT"), True, id="a port is not led inwards"),
        pytest.param(without(":DOCKER-USER"), False, id="no rules of Docker's"),
        pytest.param("", False, id="no iptables"),
    ],
)
def test_docker_in_the_middle_of_its_rules_is_seen(text: str, *, half: bool) -> None:
    assert reload_firewalld.half_made(text) is half


def test_docker_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has not made yet when the rules are written down would be lost when they are put back."""
    monkeypatch.setattr(reload_firewalld, "_PAUSE", 0)
    told = iter([without("-j DNAT"), without("-j DNAT"), PUBLISHED, "six"])
    monkeypatch.setattr(reload_firewalld, "saved", lambda _: next(told))
    assert reload_firewalld.tables() == {"iptables": PUBLISHED, "ip6tables": "six"}
    monkeypatch.setattr(reload_firewalld, "saved", lambda _: without("-j DNAT"))
    assert reload_firewalld.tables()["iptables"] == without("-j DNAT")
