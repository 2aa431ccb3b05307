"""Machines as the program registers them: disks, cloud-init, domain, and what they are named by."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pulumi
import pytest

from components.libvirt.machine import REPLACED
from tests.components import machines as given
from tests.components.engine import CLOUD_INIT, DOMAIN, NETWORK, VOLUME, RecordingEngine, Registered
from tests.program.main import run_main


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        yield given.furnish(tmp_path_factory.mktemp("tools"), patch)


@pytest.fixture(scope="module")
def made(image: Path) -> RecordingEngine:
    return run_main("dell", given.config(image))


def names(engine: RecordingEngine) -> dict[str, str]:
    """Names on the host of all volumes and cloud-init disks."""
    return {name: one.inputs["name"] for token in (VOLUME, CLOUD_INIT) for name, one in engine.of(token).items()}


def domain(engine: RecordingEngine, machine: str = "web-1") -> Registered:
    return engine.of(DOMAIN)[f"machine-{machine}-domain"]


@pytest.mark.parametrize("preview", [True, False])
def test_a_machine_is_two_disks_a_seed_and_a_domain_on_one_image(image: Path, *, preview: bool) -> None:
    made = run_main("dell", given.config(image), preview=preview)
    volumes = [name for name in made.of(VOLUME) if not name.startswith("images-")]
    assert sorted(volumes) == ["machine-db-1-root", "machine-web-1-data", "machine-web-1-root"]
    assert len([name for name in made.of(VOLUME) if name.startswith("images-ssd-")]) == 1, "both start from one"
    assert set(made.of(DOMAIN)) == {"machine-web-1-domain", "machine-db-1-domain"}


def test_a_domain_is_q35_with_vnc_on_a_socket_and_a_processor_of_the_hosts(made: RecordingEngine) -> None:
    inputs = domain(made).inputs
    assert (inputs["machine"], inputs["type"], inputs["cpu"]) == ("q35", "kvm", {"mode": "host-passthrough"})
    assert inputs["graphics"] == {"type": "vnc", "listenType": "socket"}
    assert inputs["video"] == {"type": "virtio"}
    assert (inputs["name"], inputs["vcpu"], inputs["memory"], inputs["autostart"]) == ("web-1", 2, 2048, True)


def test_without_the_processors_help_it_is_emulated(image: Path) -> None:
    config = given.config(image)
    host = json.loads(config["twin-vpc:host"]) | {"virtualization": "qemu"}
    inputs = domain(run_main("dell", config | {"twin-vpc:host": json.dumps(host)})).inputs
    assert (inputs["type"], inputs["cpu"]) == ("qemu", {"mode": "maximum"})


def test_an_address_is_reserved_where_there_are_leases_and_nowhere_else(made: RecordingEngine) -> None:
    (web,) = domain(made).inputs["networkInterfaces"]
    assert web == {
        "networkId": "vpc-public-id", "mac": "52:54:00:00:01:0a", "hostname": "web-1", "addresses": ["10.0.1.10"],
        "waitForLease": True,
    }  # fmt: skip
    (db,) = domain(made, "db-1").inputs["networkInterfaces"]
    assert db == {"networkId": "vpc-database-id", "mac": "52:54:00:00:03:0a", "hostname": "db-1", "waitForLease": False}
    for network in made.of(NETWORK).values():
        assert "<host" not in network.inputs.get("xml", {}).get("xslt", ""), "one place reserves, and this is not it"


def test_every_segment_knows_the_names_of_all_machines(made: RecordingEngine) -> None:
    for network in made.of(NETWORK).values():
        known = {host["hostname"]: host["ip"] for host in network.inputs["dns"]["hosts"]}
        assert known["web-1.lab.local"] == "10.0.1.10"
        assert known["db-1.lab.local"] == "10.0.3.10"


def test_another_machine_changes_names_of_the_networks_and_nothing_else_of_them(
    image: Path, made: RecordingEngine
) -> None:
    more = given.config(image, web_1=given.machine(), db_1=given.DATABASE, new=given.machine(
        address="10.0.1.11", ssh_port=2212, data=None
    ))  # fmt: skip
    before, after = made.of(NETWORK), run_main("dell", more).of(NETWORK)
    for name, network in before.items():
        changed = {key for key in network.inputs if network.inputs[key] != after[name].inputs[key]}
        assert changed == {"dns"}, "dns.hosts change in place; a replaced network would cut its guests"
        assert {key: value for key, value in network.inputs["dns"].items() if key != "hosts"} == {
            key: value for key, value in after[name].inputs["dns"].items() if key != "hosts"
        }


def test_the_data_disk_is_kept_whatever_happens_to_the_machine(made: RecordingEngine) -> None:
    data = made.of(VOLUME)["machine-web-1-data"]
    assert (data.protect, data.retain_on_delete) == (True, True)
    assert data.inputs == {"name": "web-1-data.qcow2", "pool": "twin-vpc-hdd", "format": "qcow2", "size": 50 * 1024**3}
    others = [one for name, one in made.of(VOLUME).items() if name != "machine-web-1-data"]
    assert not any(one.protect or one.retain_on_delete for one in others)


def test_what_the_provider_ignores_is_a_replacement_and_the_old_domain_goes_first(made: RecordingEngine) -> None:
    assert domain(made).delete_before_replace
    assert set(domain(made).replace_on_changes) == set(REPLACED)
    assert not {"autostart", "networkInterfaces[*].addresses"} & set(REPLACED), "these change in place"
    for name in ("root", "seed"):
        one = made.of(VOLUME if name == "root" else CLOUD_INIT)[f"machine-web-1-{name}"]
        assert not one.delete_before_replace, "its name is new with its content: the old disk goes last"


# What is changed; whether root disk and seed are new ones.
CHANGES: dict[str, tuple[dict[str, object], bool]] = {
    "vcpu": ({"vcpu": 3}, False),
    "memory": ({"memory": "3 GiB"}, False),
    "pool": ({"pool": "hdd"}, False),
    "data size": ({"data": {"size": "60 GiB", "pool": "hdd"}}, False),
    "disk": ({"disk": "30 GiB"}, True),
    "user": ({"user": "other"}, True),
    "port": ({"ssh_port": 2212}, True),
    "address": ({"address": "10.0.1.11"}, True),
    "keys": ({"keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}, True),
    "no data": ({"data": None}, True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_names_of_disks_carry_what_a_machine_is_born_with_and_nothing_else(image: Path, name: str) -> None:
    change, reborn = CHANGES[name]
    before = names(run_main("dell", given.config(image, web_1=given.machine())))
    after = names(run_main("dell", given.config(image, web_1=given.machine(**change))))
    for disk in ("machine-web-1-root", "machine-web-1-seed"):
        assert (before[disk] != after[disk]) is reborn
        assert after[disk].startswith("web-1-")
    assert after.get("machine-web-1-data", "web-1-data.qcow2") == before["machine-web-1-data"]


def test_a_new_image_is_a_new_volume_and_a_new_root_disk(image: Path, tmp_path: Path) -> None:
    other = tmp_path / "debian-13.qcow2"
    other.write_bytes(given.qcow2() + b"new")
    before = names(run_main("dell", given.config(image, web_1=given.machine())))
    after = names(run_main("dell", given.config(other, web_1=given.machine())))
    assert before["machine-web-1-root"] != after["machine-web-1-root"]
    assert len({name for name in (*before, *after) if name.startswith("images-ssd-")}) == 2


def test_the_same_image_under_another_name_is_the_same_volume(image: Path, tmp_path: Path) -> None:
    moved = tmp_path / "same.qcow2"
    moved.write_bytes(image.read_bytes())
    before, after = (run_main("dell", given.config(one, web_1=given.machine())) for one in (image, moved))
    assert names(before) == names(after)
    (base,) = (one for name, one in after.of(VOLUME).items() if name.startswith("images-"))
    assert base.ignore_changes == ("source",), "the content has its name: nothing is uploaded under a running machine"


def test_machines_are_exported_with_address_and_port(made: RecordingEngine) -> None:
    assert made.exports["machines"]["web-1"] == {"segment": "public", "address": "10.0.1.10", "ssh_port": 2211}


def test_disks_of_a_pool_are_made_one_after_another(made: RecordingEngine) -> None:
    """The provider reads cloud-init's disk back while libvirt may still look through the pool for another's sake."""
    waits = {one.name: {urn.rsplit("::", 1)[1] for urn in one.dependencies} for one in made.resources}
    assert {"machine-db-1-root"} <= waits["machine-db-1-seed"]
    assert {"machine-web-1-root", "machine-web-1-data"} <= waits["machine-web-1-seed"]
    for disk in ("root", "data", "seed"):
        assert "machine-db-1-seed" in waits[f"machine-web-1-{disk}"]
    assert "machine-db-1-domain" not in waits["machine-web-1-domain"], "machines boot side by side"


MACHINE = "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:VirtualMachine"
URNS = (
    f"{MACHINE}$libvirt:index/cloudInitDisk:CloudInitDisk::machine-web-1-seed",
    f"{MACHINE}$libvirt:index/domain:Domain::machine-web-1-domain",
    f"{MACHINE}$libvirt:index/volume:Volume::machine-web-1-data",
    f"{MACHINE}$libvirt:index/volume:Volume::machine-web-1-root",
    f"{MACHINE}::machine-web-1",
)
"""What is deployed at the owner's; a change here is breaking, as in tests/program/test_urns.py."""


def test_urns_of_a_machine_are_what_is_deployed(made: RecordingEngine, image: Path) -> None:
    assert tuple(sorted(one.urn for one in made.resources if one.name.startswith("machine-web-1"))) == URNS
    digest = sha256(image.read_bytes()).hexdigest()
    images = "urn:pulumi:dell::twin-vpc::twin-vpc:libvirt:BaseImages"
    assert {one.urn for one in made.resources if "BaseImages" in one.urn} == {
        f"{images}::images", f"{images}$libvirt:index/volume:Volume::images-ssd-{digest[:16]}",
    }  # fmt: skip


def refused(config: dict[str, str]) -> str:
    engine = RecordingEngine()
    with pytest.raises(pulumi.RunError) as caught:
        run_main("dell", config, engine=engine)
    assert engine.resources == [], "nothing may be registered, not even a provider"
    return str(caught.value)


def test_an_image_file_that_is_not_what_its_digest_says_is_refused(image: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.qcow2"
    other.write_bytes(given.qcow2() + b"x")
    config = given.config(image)
    assert "has the digest" in refused(
        config | {"twin-vpc:images": config["twin-vpc:images"].replace(str(image), str(other))}
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"raw" * 20, "is raw"),
        (given.qcow2(backing=104), "needs another file"),
        (given.qcow2(30 * given.GIBIBYTE), "holds a disk of 30 GiB"),
    ],
    ids=["raw", "backed", "larger than the disk"],
)
def test_an_image_that_cannot_be_a_root_disk_is_refused(
    tmp_path: Path, image: Path, content: bytes, words: str
) -> None:
    assert image, "the tools are there"
    file = tmp_path / "image"
    file.write_bytes(content)
    assert words in refused(given.config(file, web_1=given.machine()))


def test_a_missing_image_file_is_refused_by_its_path(tmp_path: Path, image: Path) -> None:
    config = given.config(image)
    gone = str(tmp_path / "gone.qcow2")
    said = refused(config | {"twin-vpc:images": config["twin-vpc:images"].replace(str(image), gone)})
    assert f"{gone} cannot be read" in said


@pytest.mark.parametrize("tool", ["mkisofs", "xsltproc"])
def test_a_missing_tool_is_told_before_anything_is_made(
    image: Path, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.host.images.shutil.which", lambda name: None if name == tool else f"/bin/{name}")
    assert f"`{tool}` is not installed" in refused(given.config(image))


def test_most_of_the_memory_is_warned_of(image: Path) -> None:
    large = run_main("dell", given.config(image, web_1=given.machine(memory="17 GiB")), preview=True)
    assert [m for m in large.messages if "17 GiB of memory, 70 % of 24 GiB" in m and "web-1 17 GiB" in m]
    small = run_main("dell", given.config(image, web_1=given.machine(memory="16 GiB")), preview=True)
    assert small.messages == []


def test_too_much_is_refused_with_sum_limit_and_names(image: Path) -> None:
    said = refused(
        given.config(image, web_1=given.machine(memory="20 GiB"), db_1={**given.DATABASE, "memory": "5 GiB"})
    )
    for word in ("25 GiB of memory", "web-1 20 GiB", "db-1 5 GiB", "24 GiB (`twin-vpc:limits.memory`)"):
        assert word in said
