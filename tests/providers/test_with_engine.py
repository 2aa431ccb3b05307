"""The provider under a real engine: a program of one resource, on a second sandbox of its own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import dell
from sandbox.dell.world import in_dell, laptop
from sandbox.engine import ensure
from sandbox.paths import ROOT
from tests.providers.samples import inputs
from tests.providers.site import SITE

pytestmark = [pytest.mark.sandbox, pytest.mark.engine]

PROJECT = f"""\
name: host-alone
runtime: {{name: python, options: {{toolchain: pip, virtualenv: {ROOT}/.venv}}}}
plugins: {{providers: [{{name: twin-host, path: {ROOT}/providers/host}}]}}
"""

PROGRAM = """\
import json
import pathlib
import pulumi

here = pathlib.Path(__file__).parent
settings = json.loads((here / "settings.json").read_text())
inputs = json.loads((here / "inputs.json").read_text())
provider = pulumi.ProviderResource("twin-host", "host", settings)
pulumi.CustomResource(
    "twin-host:index:NetworkPolicy", "policy", inputs | {"kernel": None}, pulumi.ResourceOptions(provider=provider)
)
"""


VANISH = (
    "systemctl -q disable --now twin-vpc twin-vpc-hold twin-vpc-docker;"
    "nft delete table inet twin_vpc; nft delete table inet twin_vpc_host; sh /etc/twin-vpc/load unload;"
    "rm -r /etc/twin-vpc /etc/sysctl.d/60-twin-vpc.conf;"
    "rm /etc/systemd/system/twin* /etc/systemd/system/nftables.service.d/twin* /etc/firewalld/*/twin*"
)


class Stack:
    """A project on the laptop, and `pulumi` there."""

    def __init__(self, folder: Path) -> None:
        self.world = dell.up(SITE)
        self.folder = folder
        engine = ensure()
        (folder / "passphrase").write_text("a test's", encoding="utf-8")
        (folder / "Pulumi.yaml").write_text(PROJECT, encoding="utf-8")
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        self.settings: dict[str, object] = {"address": "192.168.1.10", "port": 2200, "user": "root"}
        self.write()
        home = self.world.state / "home"
        self.environment = engine.environment(home, folder / "state", folder / "passphrase")
        self.command = (*laptop(self.world), str(engine.bin / "pulumi"))
        self.run("stack", "init", "alone")

    def write(self, **changed: object) -> None:
        (self.folder / "settings.json").write_text(json.dumps(self.settings), encoding="utf-8")
        (self.folder / "inputs.json").write_text(json.dumps(inputs(**changed)), encoding="utf-8")

    def run(self, *words: str, fails: bool = False) -> str:
        done = subprocess.run(
            [*self.command, *words, "--non-interactive"],
            cwd=self.folder,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout

    def sh(self, command: str) -> str:
        return in_dell(self.world, "sh", "-c", command)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("alone"))
    yield made
    dell.down(SITE)


def test_the_whole_life_under_a_real_engine(stack: Stack) -> None:
    assert "twin-host:index:NetworkPolicy" in stack.run("preview")
    assert stack.sh("ls /etc/twin-vpc 2>/dev/null || true") == "", "a preview leaves the host alone"
    assert "+ 3 created" in stack.run("up", "--yes", "--skip-preview")
    assert "inet twin_vpc" in stack.sh("nft list tables")

    again = stack.run("up", "--yes", "--skip-preview")
    assert "3 unchanged" in again, again
    assert "3 unchanged" in stack.run("refresh", "--yes", "--skip-preview"), "a quiet host shows no drift"

    stack.sh("nft flush chain inet twin_vpc forward; systemctl -q disable twin-vpc")
    stack.sh("echo '# x' >> /etc/sysctl.d/60-twin-vpc.conf")
    seen = stack.run("refresh", "--yes", "--skip-preview", "--diff")
    for trace in ("chain forward differs", "twin-vpc.service is disabled", "# x"):
        assert trace in seen, seen
    repaired = stack.run("up", "--yes", "--skip-preview")
    assert "~ 1 updated" in repaired, repaired
    assert "3 unchanged" in stack.run("up", "--yes", "--skip-preview", "--refresh")

    stack.write(routingRules=["iif br-public prohibbit"])
    refused = stack.run("up", "--yes", "--skip-preview", fails=True)
    assert "refuses the policy, nothing was changed" in refused
    stack.write(sysctl="net.ipv4.ip_forward = 1\n", uplinks=["br-public"])
    assert "br-public is one of our own bridges" in stack.run("preview", fails=True)
    stack.write(sysctl="net.ipv4.ip_forward = 1\n")
    assert "sysctl" in stack.run("up", "--yes", "--skip-preview", "--diff")
    assert stack.sh("cat /etc/sysctl.d/60-twin-vpc.conf") == "net.ipv4.ip_forward = 1\n"

    assert "- 3 deleted" in stack.run("destroy", "--yes", "--skip-preview")
    assert "twin" not in stack.sh("nft list tables; ip rule; ls /etc /etc/systemd/system")


def test_a_host_that_went_away_is_made_anew(stack: Stack) -> None:
    stack.write()
    stack.run("up", "--yes", "--skip-preview")
    stack.sh(VANISH)
    assert "- 1 deleted" in stack.run("refresh", "--yes", "--skip-preview")
    assert "+ 1 created" in stack.run("up", "--yes", "--skip-preview")
    assert "inet twin_vpc" in stack.sh("nft list tables")
    stack.run("destroy", "--yes", "--skip-preview")


def test_a_policy_that_vanished_under_the_state_is_back_before_anything_else(stack: Stack) -> None:
    """As after a `destroy` that was killed between the host's removal and the state's record of it."""
    stack.write()
    stack.run("up", "--yes", "--skip-preview")
    stack.sh(VANISH)
    said = stack.run("up", "--yes", "--skip-preview")
    assert "~ 1 updated" in said, said
    assert "inet twin_vpc" in stack.sh("nft list tables")
    stack.sh("nft delete table inet twin_vpc")
    assert "~ 1 updated" in stack.run("up", "--yes", "--skip-preview"), "a change by hand is undone without being told"
    assert "inet twin_vpc" in stack.sh("nft list tables")
    stack.run("destroy", "--yes", "--skip-preview")


BROKEN = "net.ipv4.ip_forward = nonsense\n"
"""Accepted by the judges of the stage, refused by the kernel: the tables are loaded by then."""


def test_a_creation_that_broke_off_is_known_to_destroy(stack: Stack) -> None:
    stack.write(sysctl=BROKEN)
    assert "the policy is not wholly in force" in stack.run("up", "--yes", "--skip-preview", fails=True)
    assert "inet twin_vpc" in stack.sh("nft list tables"), "the control: something is left"
    stack.run("destroy", "--yes", "--skip-preview")
    assert "twin" not in stack.sh("nft list tables; ip rule; ls /etc /etc/systemd/system /run")


def test_a_creation_that_broke_off_is_completed_by_the_next_run(stack: Stack) -> None:
    stack.write(sysctl=BROKEN)
    stack.run("up", "--yes", "--skip-preview", fails=True)
    assert "not wholly in force" in stack.run("up", "--yes", "--skip-preview", fails=True), "nor taken for finished"
    stack.write()
    assert "~ 1 updated" in stack.run("up", "--yes", "--skip-preview")
    assert "3 unchanged" in stack.run("up", "--yes", "--skip-preview")
    assert stack.sh("systemctl is-enabled twin-vpc").strip() == "enabled"
    stack.run("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"port": 2201}, "are twin-vpc:host.address and twin-vpc:host.port right?"),
        ({"keyFile": "~/.ssh/nothing"}, "twin-vpc:host.key_file: there is no file ~/.ssh/nothing"),
        ({"adress": "x"}, "unknown setting adress"),
    ],
)
def test_a_wrong_setting_is_one_sentence(stack: Stack, settings: dict[str, object], sentence: str) -> None:
    good = dict(stack.settings)
    stack.settings |= settings
    stack.write()
    try:
        said = stack.run("up", "--yes", "--skip-preview", fails=True)
        assert sentence in said, said
    finally:
        stack.settings = good
        stack.write()
        stack.run("destroy", "--yes", "--skip-preview")
