"""What a killed run has left of machines and pools: adopted, taken away, or refused; data is never touched."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperationError
from operations.host import Outcome, Remote
from operations.project import Project
from operations.recover import command, heal, state
from operations.recover.kinds import KINDS, Pool
from operations.recover.machine import UNKNOWN, Domain, Seed
from operations.recover.report import Report
from twinvpc.model.libvirt import Host

HOST = Host.model_validate({"address": "192.168.1.10", "port": 2200, "lan": "192.168.1.0/24"})
ROOT, SEED, IMAGE = (f"/pool/{name}" for name in ("db-1a.qcow2", "db-1a.iso", "base-1.qcow2"))
DOMAIN = {
    "name": "db",
    "type": "kvm",
    "disks": [{"volumeId": ROOT}],
    "cloudinit": f"{SEED};77",
    "networkInterfaces": [{"mac": "52:54:00:AA:BB:CC"}],
}
CLOUD_INIT = {"name": "db-1a.iso", "pool": "twin-vpc-hdd"}
XML = f"""<domain type='kvm'>
  <name>db</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <devices>
    <disk type='file' device='disk'>
      <source file='{ROOT}'/>
      <backingStore type='file'>
        <source file='{IMAGE}'/>
      </backingStore>
    </disk>
    <disk type='file' device='cdrom'>
      <source file='{SEED}'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:aa:bb:cc'/>
    </interface>
  </devices>
</domain>
"""


@dataclass(frozen=True)
class Stand(Remote):
    """A host that gives known answers, refuses every other question, and remembers what it was asked."""

    answers: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    told: list[str] = field(default_factory=list[str])

    def run(self, *argv: str, stdin: str = "", timeout: float = 120) -> Outcome:
        del stdin, timeout
        said = shlex.join(argv).replace("virsh --connect qemu:///system --quiet ", "")
        self.told.append(said)
        if said not in self.answers:
            raise AssertionError(f"nobody expected `{said}`")
        answer = self.answers[said]
        return Outcome(answer, "", "no") if isinstance(answer, int) else Outcome(0, answer, "")


def with_machine(*, runs: bool, xml: str = XML) -> Stand:
    return Stand(
        HOST,
        {
            "list --all --name": "db\n\n",
            "list --inactive --name": "\n" if runs else "db\n",
            "dumpxml --inactive db": xml,
            "dumpxml db": xml,
            "vol-key db-1a.iso --pool twin-vpc-hdd": f"{SEED}\n",
            "vol-path db-1a.iso --pool twin-vpc-hdd": f"{SEED}\n",
            "vol-delete db-1a.iso --pool twin-vpc-hdd": "",
            "undefine db --managed-save --nvram --snapshots-metadata --checkpoints-metadata": "",
        },
    )


def test_a_machine_that_runs_is_adopted_by_its_uuid() -> None:
    found = Domain().find(with_machine(runs=True), DOMAIN)
    assert found is not None
    assert (found.identity, found.strange, found.unfinished) == ("11111111-2222-3333-4444-555555555555", (), False)


def test_a_machine_that_does_not_run_loses_its_definition_and_no_disk() -> None:
    host = with_machine(runs=False)
    found = Domain().find(host, DOMAIN)
    assert found is not None
    assert found.unfinished
    Domain().mend(host, DOMAIN)
    assert host.told[-1] == "undefine db --managed-save --nvram --snapshots-metadata --checkpoints-metadata"
    assert not any("storage" in said or "vol-" in said for said in host.told)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (ROOT, "/other/db.qcow2", f"disks /other/db.qcow2 instead of {ROOT}"),
        ("52:54:00:aa:bb:cc", "52:54:00:00:00:01", "MAC 52:54:00:00:00:01 instead of 52:54:00:aa:bb:cc"),
        ("type='kvm'", "type='qemu'", "type qemu instead of kvm"),
    ],
)
def test_a_machine_of_that_name_that_is_not_ours_is_strange(old: str, new: str, why: str) -> None:
    found = Domain().find(with_machine(runs=True, xml=XML.replace(old, new)), DOMAIN)
    assert found is not None
    assert found.strange == (why,)


def test_disks_that_a_preview_does_not_know_yet_make_no_stranger() -> None:
    found = Domain().find(with_machine(runs=True), DOMAIN | {"disks": [{"volumeId": UNKNOWN}]})
    assert found is not None
    assert found.strange == ()


def test_a_seed_that_a_machine_has_is_adopted_and_any_other_goes() -> None:
    whole = Seed().find(with_machine(runs=True), CLOUD_INIT)
    assert whole is not None
    assert whole.identity.startswith(f"{SEED};")
    assert not whole.unfinished
    host = with_machine(runs=True, xml=XML.replace(SEED, "/pool/db-2b.iso"))
    left = Seed().find(host, CLOUD_INIT)
    assert left is not None
    assert left.unfinished
    Seed().mend(host, CLOUD_INIT)
    assert host.told[-1] == "vol-delete db-1a.iso --pool twin-vpc-hdd"


def test_what_is_not_there_is_not_found() -> None:
    host = Stand(HOST, {"list --all --name": "web\n", "vol-key db-1a.iso --pool twin-vpc-hdd": 1})
    assert Domain().find(host, DOMAIN) is None
    assert Seed().find(host, CLOUD_INIT) is None


POOL = {"name": "twin-vpc-hdd", "type": "dir", "target": {"path": "/data/kvm/images"}}
MOUNTS = shlex.join(
    [
        "sh",
        "-c",
        "findmnt --fstab --noheadings --output TARGET --raw; systemctl show --property Where --value '*.mount'",
    ]
)
BUILT = {"pool-build twin-vpc-hdd": "", "pool-autostart twin-vpc-hdd": "", "pool-list --all": "twin-vpc-hdd active yes"}


@pytest.mark.parametrize("mounts", ["/\n/data/kvm\n", "/\n/data\n\n/data/kvm\n/data/kvm/images/else\nnone\n"])
def test_a_pool_is_not_built_where_the_hosts_disk_for_it_is_not_mounted(mounts: str) -> None:
    host = Stand(HOST, {MOUNTS: mounts, "mountpoint -q /data/kvm": 1} | BUILT)
    with pytest.raises(OperationError, match=r"belongs on /data/kvm, where nothing is mounted.*Nothing was built"):
        Pool().mend(host, POOL)
    assert not any("pool" in said for said in host.told)


@pytest.mark.parametrize("mounts", ["/\n/data/kvm\n", "/\n/boot\n/data/kvm-old\n", ""])
def test_a_pool_is_built_where_it_belongs(mounts: str) -> None:
    host = Stand(HOST, {MOUNTS: mounts, "mountpoint -q /data/kvm": ""} | BUILT)
    Pool().mend(host, POOL)
    assert "pool-build twin-vpc-hdd" in host.told


def resource(token: str, name: str, *, custom: bool = True) -> dict[str, Any]:
    urn = f"urn:pulumi:dell::twin-vpc::twin-vpc:x:Parent${token}::{name}"
    return {"urn": urn, "type": token, "custom": custom, "inputs": {"name": name}}


@dataclass(frozen=True)
class Begun(Project):
    """A stack whose last run was killed in the middle of things; every state that it had, the last one last."""

    states: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    def exported(self) -> dict[str, Any]:
        return dict(self.states[-1])

    def replace_state(self, exported: Mapping[str, Any]) -> None:
        self.states.append(exported)


def begun(*operations: tuple[str, dict[str, Any]]) -> Begun:
    pending = [{"type": verb, "resource": one} for verb, one in operations]
    return Begun(Path(), "dell", [{"deployment": {"pending_operations": pending}}])


BUCKET = resource("cloud:index/bucket:Bucket", "mail")
KNOWN = (
    resource("libvirt:index/volume:Volume", "db-root"),
    resource("twin-host:index:NetworkWatch", "watch"),
    resource("pulumi:providers:libvirt", "host"),
    resource("twin-vpc:libvirt:Vpc", "vpc", custom=False),
)


def test_an_operation_on_what_nobody_has_thought_about_is_named_with_a_way_out_and_stays_in_the_state() -> None:
    project, report = begun(("creating", BUCKET), *(("creating", one) for one in KNOWN)), Report("dell")
    heal.clear_pending(project, Stand(HOST), report)
    (said,) = report.left
    for words in (BUCKET["urn"], "creating", "pulumi import", "pulumi refresh --clear-pending-creates --stack dell"):
        assert words in said
    assert [one.resource.urn for one in state.pending(project.exported())] == [BUCKET["urn"]]
    assert report.cleared == [f"creating {name}" for name in ("db-root", "watch", "host", "vpc")]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes when somebody sleeps; returns how long they slept each time."""
    slept: list[float] = []
    monkeypatch.setattr(heal.time, "sleep", slept.append)
    monkeypatch.setattr(heal.time, "monotonic", lambda: sum(slept))
    return slept


class Late(Stand):
    """A host whose libvirt is still at work: the machine shows up when somebody has asked a few times."""

    def run(self, *argv: str, stdin: str = "", timeout: float = 120) -> Outcome:
        done = super().run(*argv, stdin=stdin, timeout=timeout)
        return Outcome(0, "\n", "") if self.told.count("list --all --name") < 4 else done


@pytest.mark.parametrize(("verb", "times"), [("creating", 3), ("deleting", 0)])
def test_a_machine_that_libvirt_is_still_making_is_waited_for(quick: list[float], verb: str, times: int) -> None:
    making = resource("libvirt:index/domain:Domain", "machine-db-domain") | {"inputs": DOMAIN}
    host = Late(HOST, with_machine(runs=True).answers)
    heal.clear_pending(begun((verb, making)), host, Report("dell"))
    assert len(quick) == times


def test_a_machine_that_never_comes_is_not_waited_for_longer_than_it_may_take(quick: list[float]) -> None:
    making = resource("libvirt:index/domain:Domain", "machine-db-domain") | {"inputs": DOMAIN}
    report = Report("dell")
    heal.clear_pending(begun(("creating", making)), Stand(HOST, {"list --all --name": "\n"}), report)
    assert sum(quick) == Domain.lag
    assert report.left == []


def test_a_seed_that_was_being_written_is_taken_away_and_leaves_the_state() -> None:
    writing = resource("libvirt:index/cloudInitDisk:CloudInitDisk", "db-1a.iso") | {"inputs": CLOUD_INIT}
    project, report = begun(("creating", writing)), Report("dell")
    host = with_machine(runs=True, xml=XML.replace(SEED, "/pool/other.iso"))
    heal.clear_pending(project, host, report)
    assert "vol-delete db-1a.iso --pool twin-vpc-hdd" in host.told
    assert state.pending(project.exported()) == ()
    assert report.left == []


def test_a_stack_with_something_left_is_never_called_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def left(_: Project) -> Report:
        return Report("dell", left=[f"{BUCKET['urn']}: a run broke off"])

    monkeypatch.setattr(command, "find_project", lambda _: begun())
    monkeypatch.setattr(command, "healed", left)
    assert command.recover("dell", as_json=False) == command.LEFT
    said = capsys.readouterr().err
    assert BUCKET["urn"] in said
    assert "whole" not in said


def test_data_disks_are_no_kind_that_anything_is_done_to() -> None:
    assert "libvirt:index/volume:Volume" not in KINDS
