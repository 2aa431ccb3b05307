"""The repo's own program under the real engine on the sandbox host."""

import json
import os
import signal

import pytest

from sandbox.command import CommandError
from sandbox.dell import in_dell
from sandbox.project import STACK, Project

pytestmark = pytest.mark.sandbox

UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
HOST_STATE = (
    "nft -s list ruleset; ip rule; ls /sys/class/net; virsh -q net-list; find /etc -type f | sort | xargs sha256sum"
)

MISTAKES = {
    "a flow to nobody": ("network.yaml", "from: public", "from: pubic", "`pubic`"),
    "an overlap": ("Pulumi.dell.yaml", "10.0.3.0/24", "10.0.2.0/25", "overlaps"),
    "an unknown key": ("Pulumi.dell.yaml", "lan:", "lann:", "unknown key `lann`"),
    "port 22": ("Pulumi.dell.yaml", "port: 2200", "port: 22", "port 22"),
    "a segment that moves": ("Pulumi.dell.yaml", "cidr: 10.0.3.0", "cidr: 10.0.33.0", "would move from 10.0.3.0/24"),
    "an uplink that is a bridge": ("Pulumi.dell.yaml", "[eno1]", "[br-public]", "br-public"),
    "an uplink that is not there": ("Pulumi.dell.yaml", "[eno1]", "[eno7]", "eno7"),
    "a damaged file": ("network.yaml", "segments:", "segments: [", "network.yaml"),
    "a damaged lock": ("addresses.lock.json", '"stacks"', '"stack"', "addresses.lock.json"),
    "a key that is not there": ("Pulumi.dell.yaml", "~/.ssh/id_ed25519", "~/.ssh/nobody", "key_file"),
}  # fmt: skip


def changed(project: Project, name: str, old: str, new: str) -> str:
    """Edit a file of the laptop's copy; return what it was."""
    before = (project.folder / name).read_text(encoding="utf-8")
    assert old in before, "the edit must hit something"
    project.write(name, before.replace(old, new))
    return before


@pytest.mark.parametrize("mistake", MISTAKES)
def test_bad_input_changes_nothing_and_is_told_without_a_traceback(deployed: Project, mistake: str) -> None:
    name, old, new, told = MISTAKES[mistake]
    on_host = in_dell(deployed.world, "sh", "-c", HOST_STATE)
    state = deployed.pulumi("stack", "export", "--stack", STACK)
    before = changed(deployed, name, old, new)
    try:
        with pytest.raises(CommandError) as refused:
            deployed.pulumi(*UP)
    finally:
        deployed.write(name, before)
    assert told in refused.value.output
    assert "Traceback" not in refused.value.output
    assert refused.value.code != 0
    assert in_dell(deployed.world, "sh", "-c", HOST_STATE) == on_host
    networks = [r for r in resources(deployed.pulumi("stack", "export", "--stack", STACK)) if "Network" in r[0]]
    assert networks == [r for r in resources(state) if "Network" in r[0]]


def resources(export: str) -> list[tuple[str, str]]:
    found = json.loads(export[export.index("{") :])["deployment"]["resources"]
    return sorted((r["type"], r["urn"]) for r in found)


def test_a_second_up_a_preview_and_a_refresh_change_nothing(deployed: Project) -> None:
    for argv in (
        ("preview", "--expect-no-changes"),
        (*UP, "--expect-no-changes"),
        ("refresh", "--yes", "--skip-preview", "--expect-no-changes"),
    ):
        words = argv if "--stack" in argv else (*argv, "--stack", STACK)
        assert "Traceback" not in deployed.pulumi(*words)
    deployed.pulumi("preview", "--expect-no-changes", "--stack", STACK)


def test_ctrl_c_in_the_middle_leaves_no_traceback_and_the_next_up_heals(deployed: Project) -> None:
    deployed.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    process = deployed.start(*UP)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "libvirt:index:Network" in line:
            os.killpg(process.pid, signal.SIGINT)  # a terminal interrupts engine, plugins and workers alike
            break
    said += process.communicate(timeout=120)[0]
    assert process.returncode != 0, "the run did not end by itself first"
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    deployed.pulumi(*UP)
    deployed.pulumi("preview", "--expect-no-changes", "--stack", STACK)


def test_the_passphrase_is_nowhere_in_output_or_state(deployed: Project) -> None:
    passphrase = (deployed.folder.parent / "passphrase").read_text(encoding="utf-8")
    texts = [
        deployed.pulumi("stack", "export", "--stack", STACK),
        deployed.pulumi("preview", "--diff", "--stack", STACK),
    ]
    texts += [
        path.read_text(errors="replace") for path in (deployed.folder.parent / "state").rglob("*") if path.is_file()
    ]
    assert not any(passphrase in text for text in texts)
