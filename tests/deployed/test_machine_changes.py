"""What a change of a machine's lines does: the table of docs/machines.md, against previews of a machine that is there.

The machine is emulated and has an empty image, so nothing boots; it stands where nothing is leased, so nobody waits.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.command import CommandError
from sandbox.dell import in_dell
from sandbox.paths import ROOT
from sandbox.project import STACK, Project
from tests.model.machines import KEY

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(900)]

STACK_FILE = "Pulumi.dell.yaml"
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
REFUSED = ("refused", "refused", "refused")
PROTECTED = ("currently marked for protection", "because it is protected")
VOLUME = "still-data.qcow2"
LINE = f"""    still: {{segment: database, address: 10.0.3.10, ssh_port: 2251, vcpu: 1, memory: 256 MiB, disk: 64 MiB,
      data: {{size: 16 MiB, pool: hdd}}, image: empty, pool: ssd, user: owner, keys: ["{KEY}"]}}
"""
SECOND = LINE.replace("still:", "second:").replace("10.0.3.10", "10.0.3.11").replace("2251", "2252")
NO_DATA = LINE.replace("data: {size: 16 MiB, pool: hdd}, ", "")


@dataclass(frozen=True)
class Bench:
    """The owner's project with the machine, and his file as it is in force."""

    laid: Project
    text: str
    images: Path

    def preview(self, text: str) -> tuple[str, str, str]:
        """What would become of the machine, its root disk and its data disk."""
        self.laid.write(STACK_FILE, text)
        try:
            shown = self.laid.pulumi("preview", "--json", "--stack", STACK)
        except CommandError as error:
            if not any(words in str(error) for words in PROTECTED):
                raise
            return REFUSED
        finally:
            self.laid.write(STACK_FILE, self.text)
        steps = json.loads(shown[shown.index("{") :])["steps"]
        ops = {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps}
        words = {"same": ("stays", "stays"), "replace": ("made again", "new")}
        return (
            words[ops.get("machine-still-domain", "same")][0],
            words[ops.get("machine-still-root", "same")][1],
            words[ops.get("machine-still-data", "same")][1],
        )


def changes(bench: Bench) -> dict[str, tuple[str, str]]:
    """Each row of the table, and the passage of the file that is its change."""
    old, other, same = (str(bench.images / name) for name in ("empty.raw", "other.raw", "same.raw"))
    digest = {path: sha256(Path(path).read_bytes()).hexdigest() for path in (old, other)}
    image = f'source: {old}, format: raw, sha256: "{digest[old]}"'
    return {
        "nothing": ("", ""),
        "`vcpu`": ("vcpu: 1", "vcpu: 2"),
        "`memory`": ("memory: 256 MiB", "memory: 384 MiB"),
        "`twin-vpc:host.virtualization`": ("virtualization: qemu", "virtualization: kvm"),
        "`disk`": ("disk: 64 MiB", "disk: 96 MiB"),
        "`image`, to one with another digest": (image, f'source: {other}, format: raw, sha256: "{digest[other]}"'),
        "`source` of the image, with the same digest": (f"source: {old}", f"source: {same}"),
        "`pool`": ("pool: ssd, user", "pool: hdd, user"),
        "`user`": ('user: owner, keys: ["', 'user: other, keys: ["'),
        "`keys`": (KEY, OTHER_KEY),
        "`ssh_port`": ("ssh_port: 2251", "ssh_port: 2253"),
        "`address`": ("address: 10.0.3.10", "address: 10.0.3.12"),
        "`dhcp` of its segment, switched on or off": ("10.0.3.0/24,", "10.0.3.0/24, dhcp: 10.0.3.100-10.0.3.200,"),
        "`data.size`": ("size: 16 MiB", "size: 32 MiB"),
        "`data.pool`": ("16 MiB, pool: hdd", "16 MiB, pool: ssd"),
        "`data`, taken out": (LINE, NO_DATA),
        "the machine, taken out": (LINE, "    {}\n"),
        "another machine, added": (LINE, LINE + SECOND),
    }


def table() -> dict[str, tuple[str, str, str]]:
    """The table as the owner reads it."""
    lines = (ROOT / "docs" / "machines.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: (row[1], row[2], row[3]) for row in rows[2:]}


@pytest.fixture(scope="module")
def bench(deployed: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The machine on the session's host; afterwards it, its data and its lines are gone."""
    images = tmp_path_factory.mktemp("images")
    for name, content in (("empty", bytes(1 << 20)), ("other", b"\1" * (1 << 20)), ("same", bytes(1 << 20))):
        (images / f"{name}.raw").write_bytes(content)
    digest = sha256((images / "empty.raw").read_bytes()).hexdigest()
    before = (deployed.folder / STACK_FILE).read_text(encoding="utf-8")
    head, salt, tail = before.partition("encryptionsalt:")
    assert salt
    more = f'  twin-vpc:images:\n    empty: {{source: {images / "empty.raw"}, format: raw, sha256: "{digest}"}}\n'
    text = head.replace("    port: 2200\n", "    port: 2200\n    virtualization: qemu\n")
    text = f"{text}{more}  twin-vpc:machines:\n{LINE}{salt}{tail}"
    deployed.write(STACK_FILE, text)
    deployed.pulumi(*UP)
    made = Bench(deployed, text, images)
    yield made
    unprotect(made)
    deployed.write(STACK_FILE, before)
    deployed.pulumi(*UP)
    in_dell(deployed.world, "virsh", "vol-delete", "--pool", "twin-vpc-hdd", VOLUME)


def urn_of_data(bench: Bench) -> str:
    shown = bench.laid.pulumi("stack", "export", "--stack", STACK)
    resources = json.loads(shown[shown.index("{") :])["deployment"]["resources"]
    return next(one["urn"] for one in resources if one["urn"].endswith("::machine-still-data"))


def unprotect(bench: Bench) -> None:
    bench.laid.pulumi("state", "unprotect", urn_of_data(bench), "--yes", "--stack", STACK)


def test_the_table_has_a_preview_for_every_row(bench: Bench) -> None:
    assert list(table()) == list(changes(bench))


@pytest.mark.parametrize("row", table())
def test_a_change_does_what_the_table_says(bench: Bench, row: str) -> None:
    old, new = changes(bench)[row]
    assert not old or bench.text.count(old) == 1, "the change must hit one passage"
    assert bench.preview(bench.text.replace(old, new) if old else bench.text) == table()[row]


def test_a_data_disk_made_larger_by_hand_is_taken_as_it_is(bench: Bench) -> None:
    in_dell(bench.laid.world, "virsh", "destroy", "still")
    in_dell(bench.laid.world, "virsh", "vol-resize", "--pool", "twin-vpc-hdd", VOLUME, "32M")
    larger = Bench(bench.laid, bench.text.replace("size: 16 MiB", "size: 32 MiB"), bench.images)
    bench.laid.write(STACK_FILE, larger.text)
    bench.laid.pulumi("refresh", "--yes", "--stack", STACK)
    bench.laid.pulumi(*UP)
    assert in_dell(bench.laid.world, "virsh", "domstate", "still").strip() == "running"
    assert larger.preview(larger.text) == ("stays", "stays", "stays")


def test_data_of_a_machine_that_was_taken_away_are_taken_up_again(bench: Bench) -> None:
    path = f"/data/kvm/images/twin-vpc/{VOLUME}"
    number = in_dell(bench.laid.world, "stat", "--format=%i", path)
    larger = bench.text.replace("size: 16 MiB", "size: 32 MiB")
    unprotect(bench)
    bench.laid.write(STACK_FILE, larger.replace(LINE.replace("size: 16 MiB", "size: 32 MiB"), "    {}\n"))
    bench.laid.pulumi(*UP)
    assert "still" not in in_dell(bench.laid.world, "virsh", "list", "--all", "--name")
    assert in_dell(bench.laid.world, "stat", "--format=%i", path) == number
    bench.laid.write(STACK_FILE, larger)
    bench.laid.pulumi(*UP)
    assert in_dell(bench.laid.world, "stat", "--format=%i", path) == number
