"""The owner's work since a take-over is told from ours, on files of a host that is a folder."""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import pytest

from operations.adopt.remote import backup, later, look, restore, take

RULES = ["*filter", "[0:0] -A FORWARD -s 10.0.2.0/24 -j DROP", "-A FORWARD -j MINE", "COMMIT"]
TAKEN = ["-A FORWARD -s 10.0.2.0/24 -j DROP"]
MACHINE = (
    "<domain><name>web-vm</name><memory>1</memory><devices><interface type='network'><mac address='52:54:00:00:00:01'/>"
    "<source network='default'/></interface></devices></domain>"
)


class Host:
    """A host's files, its answers, and a backup that was made of it."""

    def __init__(self, root: Path) -> None:
        self.rules, self.zone = root / "rules.v4", root / "firewalld" / "zones" / "internal.xml"
        self.zone.parent.mkdir(parents=True)
        self.manifest = root / "manifest.json"
        self.manifest.write_text("{}")
        self.rules.write_text("\n".join([*RULES, ""]))
        self.zone.write_text("<zone>before</zone>\n")
        self.folder = root / "backup"
        self.answers: dict[tuple[str, ...], str] = {("list", "--all"): "web-vm", ("dumpxml", "web-vm"): MACHINE}

    def back_up(self) -> str:
        sums: dict[str, str] = {}
        for path in (self.rules, self.zone):
            copy = self.folder / f"files{path}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(path.read_text())
            sums[f"files{path}"] = hashlib.sha256(copy.read_bytes()).hexdigest()
        taken = {"networks": ["public"], "rules": TAKEN, "firewalld": [], "moves": {}, "retired": ["default"]}
        manifest = {"files": sums, "networks": [], "machines": [{"name": "web-vm", "running": False}], "taken": taken}
        (self.folder / backup.MANIFEST).write_text(json.dumps(manifest))
        return str(self.folder)

    def names(self, *words: str) -> list[str]:
        return self.answers.get(words, "").split()

    def virsh(self, *words: str) -> str:
        return self.answers[(words[0], words[-1])]

    def asked(self, *argv: str) -> str:
        if argv[0] == "virsh":
            return self.answers.get((argv[2], argv[-1]), "")
        return self.answers.get(argv, "")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setattr(later, "_FIREWALLD", str(tmp_path / "firewalld"))
    monkeypatch.setattr(look, "RULE_FILES", (str(made.rules),))
    monkeypatch.setattr(look, "OUR_MANIFEST", str(made.manifest))
    monkeypatch.setattr(look, "firewalld", list)
    monkeypatch.setattr(later.virt, "names", made.names)
    monkeypatch.setattr(later.virt, "virsh", made.virsh)
    monkeypatch.setattr(later.virt, "machines", list)
    for module in (later, restore, take):
        monkeypatch.setattr(module, "asked", made.asked)
    return made


def taken_over(host: Host) -> str:
    folder = host.back_up()
    done = take.take({"networks": [], "rules": TAKEN, "firewalld": [], "moves": {}}, folder)
    assert done == [f"1 lines of {host.rules}"]
    assert host.rules.read_text() == "*filter\n-A FORWARD -j MINE\nCOMMIT\n"
    return folder


def test_what_nobody_has_changed_since_is_put_back(host: Host) -> None:
    folder = taken_over(host)
    assert later.undoing(folder, begin=True) == {"mixed": [], "stays": []}
    (host.folder / "machines").mkdir()
    (host.folder / "machines" / "web-vm.xml").write_text(MACHINE)
    assert restore.restore(folder) == {"left": [], "stays": []}
    assert host.rules.read_text() == "\n".join([*RULES, ""])
    assert backup.text_of(folder, backup.STATUS) == "undone\n"


def test_a_file_that_both_have_changed_is_named_and_never_written_over(host: Host) -> None:
    folder = taken_over(host)
    host.rules.write_text(host.rules.read_text() + "# mine\n")
    assert later.undoing(folder, begin=True)["mixed"] == [str(host.rules)]
    host.answers.clear()
    left = restore.restore(folder)["left"]
    assert f"file {host.rules}: its text differs" in left
    assert host.rules.read_text().endswith("# mine\n")
    assert not backup.text_of(folder, backup.STATUS)
    assert f"file {host.rules}" in restore.restore(folder, keep=True)["stays"]


def test_what_only_the_owner_has_changed_stays_and_keeps_nothing_from_being_done(host: Host) -> None:
    folder = taken_over(host)
    host.zone.write_text("<zone>mine</zone>\n")
    host.answers = {
        ("iptables", "-w", "-S", "FORWARD"): "-P FORWARD ACCEPT\n-A FORWARD -j NEW\n"
    }  # the machine is gone
    stays = [later.FORWARD, "machine web-vm", f"file {host.zone}"]
    assert later.undoing(folder, begin=True) == {"mixed": [], "stays": stays}
    done = restore.restore(folder)
    assert done["stays"] == sorted(stays)
    assert done["left"] == []
    assert host.zone.read_text() == "<zone>mine</zone>\n"
    assert backup.text_of(folder, backup.STATUS) == "undone\n"


def test_what_an_undoing_itself_leaves_is_no_work_of_the_owners(host: Host) -> None:
    """The stack is gone, and what has changed since is our doing: an undoing that goes on finds it left."""
    folder = taken_over(host)
    later.undoing(folder, begin=True)
    host.manifest.unlink()
    host.answers.clear()
    assert later.undoing(folder, begin=True)["stays"] == []
    assert "machine web-vm: its definition differs" not in restore.restore(folder)["left"]
    (host.folder / "machines").mkdir()
    (host.folder / "machines" / "web-vm.xml").write_text(MACHINE)
    assert "machine web-vm: it is gone" in restore.restore(folder)["left"]


def broken_off(host: Host, folder: str) -> None:
    with suppress(KeyboardInterrupt), later.writing(folder):
        host.zone.write_text("<zone>ours</zone>\n")
        raise KeyboardInterrupt


def test_a_change_that_was_killed_half_way_is_still_known_as_ours(host: Host) -> None:
    folder = host.back_up()
    broken_off(host, folder)
    assert later.ours(folder) == [str(host.zone)]
    assert later.mixed(folder) == later.theirs(folder) == []


def test_a_file_that_the_owner_had_edited_before_our_change_is_not_ours_alone(host: Host) -> None:
    folder = host.back_up()
    host.zone.write_text("<zone>mine</zone>\n")
    with later.writing(folder):
        host.zone.write_text("<zone>mine and ours</zone>\n")
    assert later.ours(folder) == []
    assert later.theirs(folder) == [f"file {host.zone}"]


def test_where_an_interface_is_plugged_in_is_no_part_of_a_machines_definition() -> None:
    moved = MACHINE.replace("network='default'", "network='public'")
    assert later.definition(moved) == later.definition(MACHINE)
    assert later.definition(MACHINE.replace("<memory>1", "<memory>2")) != later.definition(MACHINE)


def test_rules_are_taken_from_the_table_filter_alone() -> None:
    lines = ["*mangle", TAKEN[0], "COMMIT", *RULES]
    assert take.without(lines, TAKEN) == ["*mangle", TAKEN[0], "COMMIT", RULES[0], *RULES[2:]]
