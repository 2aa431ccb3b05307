"""Whose lock is taken away, and whose is not."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operations.errors import OperationError
from operations.recover import locks, notes
from operations.recover.locks import Lock, Process

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def written(folder: Path, **said: object) -> Lock:
    """A lock as the backend writes it, with the time as Go does."""
    content = {"pid": 4711, "username": "owner", "hostname": socket.gethostname(), "timestamp": f"{NOW:%FT%T}.1688083Z"}
    (folder / "one.json").write_text(json.dumps(content | said))
    (folder / "one.json.attrs").write_text("{}")
    (lock,) = locks.read(folder)
    return lock


def ended() -> int:
    """A pid that was a process's until a moment ago."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lock_of_a_process_that_has_ended_is_dead(tmp_path: Path) -> None:
    lock = written(tmp_path, pid=ended())
    assert locks.is_dead(lock)
    locks.take_away(lock)
    assert list(tmp_path.iterdir()) == [], "with the backend's note beside it"


def test_a_lock_of_a_living_process_is_kept_and_its_holder_named(tmp_path: Path) -> None:
    since = datetime.now(tz=UTC).astimezone().isoformat()
    lock = written(tmp_path, pid=os.getpid(), timestamp=since)
    assert not locks.is_dead(lock)
    assert f"owner@{socket.gethostname()}, pid {os.getpid()}, since" in locks.why_kept(lock)


def test_a_lock_that_names_another_host_is_kept_although_no_such_process_is_here(tmp_path: Path) -> None:
    lock = written(tmp_path, pid=ended(), hostname="elsewhere")
    assert not locks.is_dead(lock)
    assert "can only be told on elsewhere" in locks.why_kept(lock)


@pytest.mark.parametrize(
    ("name", "later", "dead"),
    [
        ("pulumi", timedelta(hours=-1), False),
        ("pulumi", timedelta(hours=1), False),  # a clock that was set; who knows
        ("/usr/bin/python3", timedelta(hours=-1), False),  # Pulumi under another name
        ("/usr/bin/python3", timedelta(hours=1), True),  # the pid was given again
    ],
)
def test_a_pid_given_again_is_known_by_name_and_start(
    tmp_path: Path, name: str, later: timedelta, *, dead: bool
) -> None:
    assert locks.is_dead(written(tmp_path), lambda _: Process(name, NOW + later)) is dead


def test_what_has_ended_and_was_not_yet_waited_for_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert locks.running(process.pid) is None
    process.wait()


def test_a_process_of_this_machine_is_seen_with_its_start() -> None:
    seen = locks.running(os.getpid())
    assert seen is not None
    assert timedelta(0) <= datetime.now(tz=UTC) - seen.started < timedelta(hours=2)


def test_a_lock_file_whose_writing_broke_off_is_dead_after_a_minute_only(tmp_path: Path) -> None:
    path = tmp_path / "fileblob123"
    path.write_text("{")
    (lock,) = locks.read(tmp_path)
    assert not locks.is_dead(lock)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    (lock,) = locks.read(tmp_path)
    assert locks.is_dead(lock)


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 2, "holder": {"pid": 4711}}',
        "[4711]",
        "pid: 4711\nhost: den\n",
        '{"pid": 0, "username": "o"}',
        "\xff",
    ],
)
def test_a_lock_of_a_form_that_nobody_knows_is_kept_however_old_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.json"
    path.write_text(text, encoding="latin-1")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    (lock,) = locks.read(tmp_path)
    assert not locks.is_dead(lock)
    for words in (str(path), "form that this command does not know", "ps -e", "delete that file"):
        assert words in locks.why_kept(lock)


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("file:///home/o/state", "/home/o/state"),
        ("file:///home/o/state?no_tmp_dir=true", "/home/o/state"),
        ("file://./state", "/project/state"),
        ("file://~", str(Path.home())),
    ],
)
def test_locks_are_looked_for_where_the_backend_keeps_them(url: str, there: str) -> None:
    found = locks.folder(url, "twin-vpc", "dell", Path("/project"))
    assert found == Path(there) / ".pulumi/locks/organization/twin-vpc/dell"


def test_a_note_that_a_kill_has_torn_goes_and_nothing_else_does(tmp_path: Path) -> None:
    """Beside an empty note Pulumi says "failed to load checkpoint: EOF" of a state that is whole."""
    where = notes.folder(locks.folder(f"file://{tmp_path}", "twin-vpc", "dell", tmp_path))
    assert where == tmp_path / ".pulumi/stacks/twin-vpc"
    where.mkdir(parents=True)
    files = {
        "dell.json": "{}",
        "dell.json.attrs": "",
        "dell.json.bak": "{",
        "dell.json.bak.attrs": '{"user.content_type": "text/pl',
        "other.json.attrs": "",
        "dell.json.gz.attrs": '{"md5": "x"}',
    }
    for name, text in files.items():
        (where / name).write_text(text)
    assert notes.without_torn(where, "dell") == ("dell.json.attrs", "dell.json.bak.attrs")
    left = {path.name for path in where.iterdir()}
    assert left == {"dell.json", "dell.json.bak", "other.json.attrs", "dell.json.gz.attrs"}
    assert notes.without_torn(where, "dell") == ()


@pytest.mark.parametrize("url", ["s3://bucket", "https://api.pulumi.com"])
def test_another_backend_is_refused_with_what_to_do(url: str) -> None:
    with pytest.raises(OperationError, match=r"pulumi cancel --stack dell"):
        locks.folder(url, "twin-vpc", "dell", Path("/project"))
