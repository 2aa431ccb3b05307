"""Machines in the stack file: what fits is read with its types, what does not is told with place, offender and rule."""

from copy import deepcopy
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from tests.model.machines import KEY, SHA256, with_machines
from tests.model.owner import DELL, load_with
from tests.model.test_generated_mistakes import WRONG, holder, places
from twinvpc.model.check_machines import memory_warning
from twinvpc.model.files import read_yaml, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import load
from twinvpc.model.machines import Limits, Size
from twinvpc.model.problems import InvalidInputError, Problem
from twinvpc.model.source import KeyPath, Source, dotted

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\\n-----END"
WEB, DB = "machines.web-1", "machines.db-1"
# What is replaced, by what; then all that must be told: path, words of the offender, words of the rule.
TABLE: dict[str, tuple[str, str, list[tuple[str, str, str]]]] = {
    "segment unknown": ("segment: public", "segment: pubilc", [(f"{WEB}.segment", "`pubilc`", "management, private")]),
    "image unknown": ("      image: debian-12\n", "      image: debian\n", [(f"{WEB}.image", "`debian`", "debian-12")]),
    "pool unknown": ("      pool: ssd", "      pool: nvme", [(f"{WEB}.pool", "`nvme`", "hdd, ssd")]),
    "data in no pool": ("pool: hdd}", "pool: tape}", [(f"{WEB}.data.pool", "`tape`", "hdd, ssd")]),
    "port 22": ("ssh_port: 2211", "ssh_port: 22", [(f"{WEB}.ssh_port", "port 22", "never listens on port 22")]),
    "port of another segment": (
        "ssh_port: 2211", "ssh_port: 2231", [(f"{WEB}.ssh_port", "2231 of `web-1` lies outside 2211-2230", "V4")]
    ),
    "port a text": ("ssh_port: 2211", 'ssh_port: "2211"', [(f"{WEB}.ssh_port", "'2211'", "whole number")]),
    "address elsewhere": (
        "address: 10.0.1.10", "address: 10.0.2.10", [(f"{WEB}.address", "cannot be 10.0.2.10", "is 10.0.1.0/24")]
    ),
    "address of the router": ("address: 10.0.1.10", "address: 10.0.1.1", [(f"{WEB}.address", "10.0.1.1", "router's")]),
    "address of the network": ("address: 10.0.1.10", "address: 10.0.1.0", [(f"{WEB}.address", "10.0.1.0", "own")]),
    "address of all": ("address: 10.0.1.10", "address: 10.0.1.255", [(f"{WEB}.address", "10.0.1.255", "broadcast")]),
    "address leased": (
        "address: 10.0.1.10", "address: 10.0.1.150", [(f"{WEB}.address", "in the DHCP range", "given twice")]
    ),
    "address not whole": ("address: 10.0.1.10", "address: 10.0.1", [(f"{WEB}.address", "'10.0.1'", "four numbers")]),
    "name of a segment": ("    web-1:", "    private:", [("machines.private", "taken by a segment", "one domain")]),
    "user root": ("      user: owner", "      user: root", [(f"{WEB}.user", "`root`", "nobody logs in as root")]),
    "user in capitals": ("      user: owner", "      user: Owner", [(f"{WEB}.user", "'Owner'", "a-z")]),
    "name with a dot": ("    web-1:", "    web.1:", [("machines.'web.1'", "'web.1' is not a name", "DNS labels")]),
    "memory without a unit": ("memory: 2 GiB", "memory: 2", [(f"{WEB}.memory", "2 is not a size", "a unit")]),
    "memory in GB": ("memory: 2 GiB", "memory: 2 GB", [(f"{WEB}.memory", "'2 GB'", "MiB, GiB or TiB")]),
    "half a disk": ("disk: 20 GiB", "disk: 20.5 GiB", [(f"{WEB}.disk", "'20.5 GiB'", "whole number")]),
    "no processor": ("vcpu: 2\n", "vcpu: 0\n", [(f"{WEB}.vcpu", "0 does not fit", "greater than or equal to 1")]),
    "key misspelt": ("      vcpu: 2", "      vcpus: 2", [
        (f"{WEB}.vcpu", "`vcpu` is missing", "required"), (f"{WEB}.vcpus", "unknown key `vcpus`", "documented"),
    ]),
    "no keys": (f'      keys: ["{KEY}"]', "      keys: []", [(f"{WEB}.keys", "[] does not fit", "at least one")]),
    "digest too short": (f'"{SHA256}"', "c3c3", [("images.debian-12.sha256", "'c3c3'", "64 characters")]),
    "digest a number": (f'"{SHA256}"', "1" * 64, [("images.debian-12.sha256", "1111", "in quotes")]),
    "image behind a URL": (
        "/srv/debian-12.qcow2", "https://x/y", [("images.debian-12.source", "'https://x/y'", "nobody compares a URL")]
    ),
    "image in another form": (
        'qcow2, sha256', 'qcow2, format: vmdk, sha256', [("images.debian-12.format", "'vmdk'", "'qcow2' or 'raw'")]
    ),
    "host without machines": (
        "    lan: 192", "    virtualization: xen\n    lan: 192", [("host.virtualization", "'xen'", "'kvm' or 'qemu'")]
    ),
    "address twice": (
        "address: 10.0.3.10", "address: 10.0.1.10",
        [(f"{DB}.address", "cannot be 10.0.1.10", "10.0.3.0/24"), (f"{DB}.address", "`web-1` and `db-1`", "one m")],
    ),
    "port twice": (
        "ssh_port: 2251", "ssh_port: 2211",
        [(f"{DB}.ssh_port", "outside 2251-2260", "range"), (f"{DB}.ssh_port", "`web-1` and `db-1`", "one machine")],
    ),
    "address of a static name": (
        "ssh_ports: 2211-2230", "ssh_ports: 2211-2230, static: {old: 10.0.1.10}",
        [(f"{WEB}.address", "the static name `old` and `web-1`", "one machine")],
    ),
    "name of a static name": (
        "ssh_ports: 2211-2230", "ssh_ports: 2211-2230, static: {web-1: 10.0.1.11}",
        [(WEB, "taken by a static name of `public`", "one domain")],
    ),
    "too many processors": (
        "vcpu: 2\n", "vcpu: 5\n", [("machines", "ask for 9 vCPU: web-1 5, db-1 4", "8 vCPU (`twin-vpc:limits.vcpu`)")]
    ),
    "too much memory": (
        "memory: 2 GiB", "memory: 17 GiB",
        [("machines", "25 GiB of memory: web-1 17 GiB, db-1 8 GiB", "24 GiB (`twin-vpc:limits.memory`)")],
    ),
}  # fmt: skip


def problems_of(folder: Path, *changes: tuple[str, str]) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        load_with(folder, {DELL: with_machines(*changes)})
    return caught.value


def stack_of(folder: Path, *changes: tuple[str, str]) -> LibvirtStack:
    stack = load_with(folder, {DELL: with_machines(*changes)}).stack
    assert isinstance(stack, LibvirtStack)
    return stack


@pytest.mark.parametrize("name", TABLE)
def test_a_mistake_is_told_with_place_offender_and_rule(tmp_path: Path, name: str) -> None:
    old, new, told = TABLE[name]
    error = problems_of(tmp_path, (old, new))
    assert sorted(p.path for p in error.problems) == sorted(path for path, _, _ in told), str(error)
    for path, what, rule in told:
        assert any(p.path == path and what in p.what and rule in p.rule and p.way_out for p in error.problems), error
    assert all(problem.line for problem in error.problems)
    assert max(map(len, str(error).splitlines())) <= 200, "an error is read on a screen"


def test_a_few_lines_are_a_machine_with_types(tmp_path: Path) -> None:
    stack = stack_of(tmp_path)
    machine = stack.machines["web-1"]
    assert (machine.address, machine.ssh_port) == (IPv4Address("10.0.1.10"), 2211)
    assert machine.memory == Size(mebibytes=2048)
    assert machine.disk.octets == 20 * 1024**3
    assert machine.data is not None
    assert str(machine.data.size) == "50 GiB"
    assert stack.host.virtualization == "kvm"


def test_the_owners_limits_hold_where_the_file_names_none() -> None:
    limits = Limits()
    assert (limits.vcpu, str(limits.memory), limits.machines, limits.warn_from) == (8, "24 GiB", 8, 70)


@pytest.mark.parametrize("count", [8, 9])
def test_the_ninth_machine_is_refused_with_all_names(tmp_path: Path, count: int) -> None:
    more = "".join(
        f"    m-{n}: {{segment: private, address: 10.0.2.{n}, ssh_port: {2230 + n}, vcpu: 1, memory: 1 GiB,"
        f' disk: 1 GiB, image: debian-12, pool: ssd, user: owner, keys: ["{KEY}"]}}\n'
        for n in range(2, count)
    )
    wide = ("    ssd: /", "    ssd: /"), ("  twin-vpc:images:", "  twin-vpc:limits: {vcpu: 20}\n  twin-vpc:images:")
    text = with_machines(wide[1]) + more
    if count == 8:
        assert load_with(tmp_path, {DELL: text})
        return
    with pytest.raises(InvalidInputError, match=r"machines ask for 9 places: web-1, db-1, m-2, .*, m-8") as caught:
        load_with(tmp_path, {DELL: text})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("memory", "share"), [("9011 MiB", ""), ("9012 MiB", "70 %"), ("16 GiB", "100 %")])
def test_a_run_warns_from_seventy_percent_of_the_memory(tmp_path: Path, memory: str, share: str) -> None:
    """17204 MiB are the first that make 70 % of 24 GiB, and 8192 of them are db-1's."""
    warning = memory_warning(stack_of(tmp_path, ("memory: 2 GiB", f"memory: {memory}")))
    assert bool(warning) is bool(share)
    for word in (share, "24 GiB", f"web-1 {memory}", "db-1 8 GiB") if share else ():
        assert word in warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f'      keys: ["{KEY}"]', f'      keys: ["{PRIVATE}"]'),
        (f'      keys: ["{KEY}"]', f'      keys: "{PRIVATE}"'),
        (f'      keys: ["{KEY}"]', f'      keys: [{{a: "{PRIVATE}"}}]'),
        ("      user: owner", f'      user: "{PRIVATE}"'),
        ("      image: debian-12\n", f'      image: "{PRIVATE}"\n'),
    ],
    ids=["in the list", "instead of the list", "in a mapping", "as user", "as image"],
)
def test_a_private_key_is_refused_and_never_told_back(tmp_path: Path, old: str, new: str) -> None:
    error = problems_of(tmp_path, (old, new))
    assert "b3Blbn" not in str(error)
    assert "BEGIN" not in str(error)


@pytest.mark.parametrize(
    "wrong",
    [
        KEY.replace("ssh-ed25519", "ssh-rsa"),
        KEY.replace("AAAAC3", "AAAAD3"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 owner",
        f"restrict {KEY}",
        KEY[:30],
        "5",
    ],
)
def test_a_torn_or_mixed_up_key_is_refused_unseen(tmp_path: Path, wrong: str) -> None:
    error = problems_of(tmp_path, (f'      keys: ["{KEY}"]', f'      keys: ["{wrong}"]'))
    assert [p.path for p in error.problems] == [f"{WEB}.keys[0]"]
    assert wrong[12:] not in str(error) or len(wrong) < 12


def test_many_mistakes_in_two_machines_are_told_at_once(tmp_path: Path) -> None:
    error = problems_of(
        tmp_path,
        ("      vcpu: 2", "      vcpu: two"), ("ssh_port: 2211", "ssh_port: 1"), ("      pool: ssd", "      pool: x"),
        ("address: 10.0.3.10", "address: 10.0.3.1"), ("memory: 8 GiB", "memory: big"),
    )  # fmt: skip
    assert [p.path for p in error.problems] == [
        f"{WEB}.ssh_port", f"{WEB}.vcpu", f"{WEB}.pool", f"{DB}.address", f"{DB}.memory",
    ]  # fmt: skip


def everything(tmp_path: Path) -> tuple[Source, Source]:
    (tmp_path / DELL).write_text(with_machines())
    return read_yaml(Path(__file__).parents[2] / "network.yaml"), stack_source(tmp_path / DELL)


def test_any_wrong_value_in_a_machine_is_accepted_or_refused_in_words(tmp_path: Path) -> None:
    network, source = everything(tmp_path)
    tried = 0
    for where in all_places(source):
        for value in WRONG:
            tree: Any = deepcopy(source.mapping)
            holder(tree, where)[where[-1]] = value
            told = problems_in(network, Source(source.file, tree, source.lines))
            assert all(p.what and p.rule and p.way_out for p in told), dotted(where)
            assert all(len(str(p)) < 500 for p in told), "an error is short"
            tried += 1
    assert tried > 500


def problems_in(network: Source, stack: Source) -> tuple[Problem, ...]:
    try:
        load(network, stack, "dell")
    except InvalidInputError as error:
        return error.problems
    return ()


def all_places(source: Source) -> list[KeyPath]:
    return [place for place in places(source.mapping) if place[0] in {"images", "machines", "limits"}]
