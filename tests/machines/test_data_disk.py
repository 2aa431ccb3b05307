"""A data disk is formatted while it is as new, and never else: the script of a machine's boot, run on files."""

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.machines.test_cloud_init import user_data

MIB = 1024 * 1024
SMALL, LARGE = 16 * MIB, 1280 * MIB
"""One that is read whole, and one that is read in part; the files are sparse."""
DISK, LOOKED, CONSOLE = "/dev/disk/by-id/virtio-data", "/var/lib/twin-vpc-data-disk", "/dev/console"
# What a file lacks of a block device, and udev, which has nothing to say about it.
STANDS_IN = """\
udevadm() { :; }
blockdev() { stat -c %s "$2"; }
test() { case "$1" in -b) command test -f "$2" ;; *) command test "$@" ;; esac; }
PATH=/usr/sbin:/usr/bin:/sbin:/bin
"""


@dataclass(frozen=True)
class Machine:
    """A machine's root disk and its data disk, each a part of a folder."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def boot(self, also: str = "") -> str:
        """Run the script as a boot does; return what was said on the console."""
        console = self.folder / "console"
        script = user_data()["bootcmd"][0][2]
        for name, path in ((DISK, self.disk), (LOOKED, self.folder / "looked"), (CONSOLE, console)):
            assert name in script
            script = script.replace(name, str(path))
        console.write_text("")
        done = subprocess.run(
            ["sh", "-c", STANDS_IN + also + script], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        return console.read_text()

    def blank(self, octets: int) -> None:
        with self.disk.open("wb") as file:
            file.truncate(octets)

    def write(self, at: int, data: bytes) -> None:
        with self.disk.open("r+b") as file:
            file.seek(at)
            file.write(data)

    def kind(self) -> str:
        """What blkid recognises, as the script asks it."""
        words = ("/usr/sbin/blkid", "-p", "-s", "TYPE", "-o", "value", str(self.disk))
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=20).stdout.strip()

    def written(self) -> tuple[int, int]:
        """When it was written last, and how much of it holds anything."""
        found = self.disk.stat()
        return found.st_mtime_ns, found.st_blocks


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("octets", [SMALL, LARGE])
def test_a_fresh_disk_is_formatted_and_stays_as_it_is_from_then_on(machine: Machine, octets: int) -> None:
    machine.blank(octets)
    assert machine.boot() == ""
    assert machine.kind() == "ext4"
    once = machine.written()
    assert machine.boot() == ""
    assert machine.written() == once


def ext4_without_its_first_block(machine: Machine) -> None:
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", machine.disk], check=True, timeout=60)
    machine.write(0, bytes(4096))


def ext4_without_its_head(machine: Machine) -> None:
    """As after `blkdiscard` or `dd` had begun: only copies of its first block tell what it was."""
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-b", "4096", "-E", "nodiscard", machine.disk], check=True, timeout=60)
    machine.write(0, bytes(120 * MIB))


def raw_data(machine: Machine) -> None:
    machine.write(0, random.Random(2).randbytes(8192))


def one_octet(machine: Machine) -> None:
    machine.write(LARGE // 256 * 77, b"x")


def one_at_the_end(machine: Machine) -> None:
    machine.write(LARGE - 1, b"x")


HELD = (ext4_without_its_first_block, ext4_without_its_head, raw_data, one_octet, one_at_the_end)


@pytest.mark.parametrize("hold", HELD)
def test_a_disk_on_which_nothing_is_recognised_but_something_is_read_is_left_alone(
    machine: Machine, hold: Callable[[Machine], None]
) -> None:
    machine.blank(LARGE)
    hold(machine)
    before = machine.written()
    assert machine.kind() == "", "blkid recognises nothing, as on a fresh disk"
    said = f"twin-vpc: the data disk {machine.disk} is left as it is: no file system is found there, but it is not"
    assert machine.boot().startswith(said)
    assert machine.written() == before


@pytest.mark.parametrize("octets", [SMALL - 1, 5 * MIB])
def test_one_octet_anywhere_in_a_small_disk_keeps_it(machine: Machine, octets: int) -> None:
    machine.blank(SMALL)
    machine.write(octets, b"x")
    assert "it is not empty" in machine.boot()
    assert machine.kind() == ""


@pytest.mark.parametrize(
    "broken",
    ["cmp() { return 2; }\n", "blockdev() { return 1; }\n", "blockdev() { echo 0; }\n"],
    ids=["reads", "size", "no size"],
)
def test_a_disk_that_cannot_be_read_is_left_alone(machine: Machine, broken: str) -> None:
    machine.blank(SMALL)
    assert "or cannot be read" in machine.boot(broken)
    assert machine.kind() == ""


@pytest.mark.parametrize("code", [1, 4, 8, 127])
def test_a_disk_that_blkid_is_in_doubt_of_is_left_alone(machine: Machine, code: int) -> None:
    """blkid(8): 4 is an error, 8 an ambivalent result."""
    machine.blank(SMALL)
    assert "cannot tell what it holds" in machine.boot(f"blkid() {{ return {code}; }}\n")
    assert machine.kind() == ""


@pytest.mark.parametrize("ours", [True, False])
def test_what_held_a_file_system_is_not_formatted_again_by_this_instance(machine: Machine, *, ours: bool) -> None:
    """Zeros are what a disk that was exchanged or discarded reads as, and whoever did it may want to look."""
    machine.blank(SMALL)
    if ours:
        machine.boot()
    else:
        subprocess.run(["/usr/sbin/mkfs.ext4", "-q", machine.disk], check=True, timeout=60)
        machine.boot()
    machine.blank(SMALL)
    assert "it held a file system" in machine.boot()
    assert machine.kind() == ""
    (machine.folder / "looked").unlink()
    assert machine.boot() == ""
    assert machine.kind() == "ext4", "another instance takes what reads as new"


def test_a_machine_without_its_disk_boots_in_silence(machine: Machine) -> None:
    assert machine.boot() == ""
