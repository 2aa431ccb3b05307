"""Who sits at the host, and who came in by SSH: told from the environment and from the processes above."""

from pathlib import Path

import pytest

from providers.host.seat import came_by_ssh


def processes(folder: Path, *names: str) -> Path:
    """A /proc in which each process is the parent of the one before it."""
    for number, name in enumerate(names, start=2):
        place = folder / ("self" if number == 2 else str(number))
        place.mkdir()
        parent = number + 1 if number < len(names) + 1 else 0
        (place / "stat").write_text(f"{number} ({name}) S {parent} 1 1 0 -1\n")
    return folder


@pytest.mark.parametrize("name", ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"])
def test_the_environment_of_a_session_tells(tmp_path: Path, name: str) -> None:
    assert came_by_ssh({name: "192.168.1.30 50000 192.168.1.10 2200"}, processes(tmp_path, "python3", "bash"))


@pytest.mark.parametrize("daemon", ["sshd", "sshd-session"])
def test_sudo_hides_the_environment_and_not_the_processes_above(tmp_path: Path, daemon: str) -> None:
    above = ("python3", "pulumi-language-) S (", "pulumi", "sudo", "bash", daemon, daemon, "systemd")
    assert came_by_ssh({}, processes(tmp_path, *above))


def test_a_seat_at_the_host_is_no_session(tmp_path: Path) -> None:
    assert not came_by_ssh({"SSH_AUTH_SOCK": "/run/agent"}, processes(tmp_path, "python3", "pulumi", "bash", "login"))
