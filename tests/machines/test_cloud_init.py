"""What a machine is told at birth, read as cloud-init and sshd read it."""

import json
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
import yaml

from tests.model.machines import KEY
from twinvpc.addressing.plan import MachinePlan, SegmentPlan, mac_of
from twinvpc.machines.cloud_init import Birth, birth
from twinvpc.model.libvirt import AddressRange, PortSpan
from twinvpc.model.machines import Image, Machine

IMAGE = Image(source="/srv/debian.qcow2", sha256="c3" * 32)
MACHINE = Machine.model_validate(
    {
        "segment": "public", "address": "10.0.1.10", "ssh_port": 2211, "vcpu": 2, "memory": "2 GiB", "disk": "20 GiB",
        "data": {"size": "50 GiB", "pool": "hdd"}, "image": "debian", "pool": "ssd", "user": "owner",
        "keys": [KEY, KEY.replace("owner@laptop", "a 'quoted' \\ \"comment\" : # {x}")],
    }
)  # fmt: skip
ADDRESS = IPv4Address("10.0.1.10")
PLACE = MachinePlan("web-1", "public", ADDRESS, mac_of(ADDRESS), 2211)
SEGMENT = SegmentPlan(
    "public", IPv4Network("10.0.1.0/24"), IPv4Address("10.0.1.1"), "br-public",
    AddressRange(first=IPv4Address("10.0.1.100"), last=IPv4Address("10.0.1.200")), {}, PortSpan(first=2211, last=2230),
)  # fmt: skip


def born(machine: Machine = MACHINE, place: MachinePlan = PLACE, segment: SegmentPlan = SEGMENT) -> Birth:
    return birth(machine, IMAGE, place, segment, "lab.local")


def user_data(**changes: object) -> dict[str, Any]:
    text = born(MACHINE.model_copy(update=changes)).user_data
    assert text.startswith("#cloud-config\n"), "without this line cloud-init reads nothing"
    return yaml.safe_load(text)


def test_the_owner_logs_in_by_key_and_nobody_by_password() -> None:
    said = user_data()
    (user,) = said["users"]
    assert (user["name"], user["lock_passwd"]) == ("owner", True)
    assert user["ssh_authorized_keys"] == list(MACHINE.keys), "whatever stands in a comment comes through as it is"
    assert (said["ssh_pwauth"], said["disable_root"]) == (False, True)
    assert "passwd" not in user
    assert "plain_text_passwd" not in user


def test_the_names_are_the_machines_own() -> None:
    said = user_data()
    assert (said["hostname"], said["fqdn"]) == ("web-1", "web-1.lab.local")
    assert json.loads(born().meta_data)["local-hostname"] == "web-1"


def test_sshd_listens_on_the_machines_port_alone_and_takes_keys_alone() -> None:
    (file,) = user_data()["write_files"]
    assert file["path"].startswith("/etc/ssh/sshd_config.d/10-"), "the first to say a thing is believed"
    settings = dict(line.split(" ", 1) for line in file["content"].splitlines() if not line.startswith("#"))
    assert settings == {
        "Port": "2211", "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "PermitRootLogin": "no",
        "AuthenticationMethods": "publickey",
    }  # fmt: skip


@pytest.mark.parametrize("data", [True, False])
def test_every_script_is_one_that_a_shell_reads(*, data: bool) -> None:
    said = user_data() if data else user_data(data=None)
    scripts = [command[2] for command in [*said["bootcmd"], *said["runcmd"]]]
    assert len(scripts) == 2 + data
    for script in scripts:
        done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False, timeout=20)
        assert done.returncode == 0, done.stderr


def test_the_data_disk_is_found_by_its_serial_and_mounted() -> None:
    ((device, place, *_),) = user_data()["mounts"]
    assert (device, place) == ("/dev/disk/by-id/virtio-data", "/data")
    assert "mounts" not in user_data(data=None)


def network_config(segment: SegmentPlan) -> dict[str, Any]:
    (interface,) = yaml.safe_load(born(segment=segment).network_config)["ethernets"].values()
    assert interface["match"] == {"macaddress": "52:54:00:00:01:0a"}
    return interface


def test_a_machine_leases_where_there_are_leases_and_is_told_its_address_elsewhere() -> None:
    assert network_config(SEGMENT)["dhcp4"] is True
    assert network_config(SEGMENT)["nameservers"] == {"addresses": ["10.0.1.1"], "search": ["lab.local"]}, "see there"
    told = network_config(replace(SEGMENT, dhcp=None))
    assert told["dhcp4"] is False
    assert told["addresses"] == ["10.0.1.10/24"]
    assert told["routes"] == [{"to": "0.0.0.0/0", "via": "10.0.1.1"}]
    assert told["nameservers"] == {"addresses": ["10.0.1.1"], "search": ["lab.local"]}


@pytest.mark.parametrize(
    "change",
    [{"keys": (KEY,)}, {"user": "other"}, {"disk": MACHINE.memory}, {"data": None}],
    ids=["keys", "user", "disk", "data"],
)
def test_another_birth_is_another_instance(change: dict[str, object]) -> None:
    """cloud-init runs again only for an instance that it has not seen."""
    assert born(MACHINE.model_copy(update=change)).instance != born().instance


@pytest.mark.parametrize("change", [{"vcpu": 4}, {"memory": MACHINE.disk}, {"pool": "hdd"}])
def test_what_no_birth_is_about_keeps_the_instance(change: dict[str, object]) -> None:
    assert born(MACHINE.model_copy(update=change)) == born()


def test_the_instance_is_told_to_cloud_init() -> None:
    assert json.loads(born().meta_data)["instance-id"] == born().instance
    assert born().instance.startswith("web-1-")


def test_no_two_addresses_of_a_private_block_make_the_same_mac() -> None:
    block = [IPv4Address(int(IPv4Address("10.0.0.0")) + step * 65_537 % 2**24) for step in range(5000)]
    assert len({mac_of(address) for address in block}) == len(set(block)) == 5000
    assert mac_of(IPv4Address("10.0.1.10")) == "52:54:00:00:01:0a"
