"""Waiting for a machine is waiting for its boot's end, and a boot that failed is no slow one."""

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sandbox.command import CommandError
from sandbox.guest import access
from sandbox.guest.access import Door

DOOR = Door(IPv4Address("10.0.1.20"), 2211, "owner", Path("/key"))


def answers(patch: pytest.MonkeyPatch, *codes: int) -> list[str]:
    """Let ssh end with these codes, one after the other; return the commands that it is asked to run."""
    asked: list[str] = []

    def ssh(_netns: Path, *words: object, timeout: float) -> str:
        asked.append(str(words[-1]))
        assert timeout > 0
        if code := codes[len(asked) - 1]:
            raise CommandError(["ssh"], code, "")
        return ""

    patch.setattr(access, "run_inside", ssh)
    patch.setattr(access.time, "sleep", lambda _: None)
    return asked


def test_a_login_that_is_refused_or_cut_is_tried_again_until_cloud_init_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answers(monkeypatch, 255, 255, 0)
    DOOR.wait(Path("/netns"))
    assert asked == ["cloud-init status --wait --long"] * 3


def test_a_boot_that_failed_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, 255, 1, 0)
    with pytest.raises(CommandError):
        DOOR.wait(Path("/netns"))
    assert len(asked) == 2


def test_a_machine_in_which_nobody_can_log_in_is_waited_for_no_longer_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answers(monkeypatch, 255, 255)
    with pytest.raises(CommandError):
        DOOR.wait(Path("/netns"), patience=1e-9)
    assert len(asked) == 1
