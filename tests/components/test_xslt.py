"""The transformation, run by the program that the provider runs, over XML as the provider writes it."""

import subprocess
from ipaddress import IPv4Address
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from components.libvirt.xslt import dhcp_range, domain_disks
from twinvpc.model.libvirt import AddressRange

pytestmark = pytest.mark.engine  # xsltproc comes with the engine's set-up

LEASED = AddressRange(first=IPv4Address("10.0.1.100"), last=IPv4Address("10.0.1.200"))
WRITTEN = """<network>
  <name>web</name>
  <forward mode="open"></forward>
  <dns enable="yes"><host ip="10.0.1.1"><hostname>web.lab.local</hostname></host></dns>
  <ip address="10.0.1.1" family="ipv4" prefix="24">{dhcp}</ip>
  <options xmlns="http://libvirt.org/schemas/network/dnsmasq/1.0"></options>
</network>
"""
RANGE = '<range start="10.0.1.2" end="10.0.1.254"></range>'


def transform(folder: Path, dhcp: str) -> "subprocess.CompletedProcess[str]":
    return transformed(folder, dhcp_range(LEASED), WRITTEN.format(dhcp=dhcp))


def transformed(folder: Path, text: str, xml: str) -> "subprocess.CompletedProcess[str]":
    style, document = folder / "style.xslt", folder / "document.xml"
    style.write_text(text)
    document.write_text(xml)
    argv = ["xsltproc", "--nomkdir", "--nonet", "--nowrite", style, document]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=20)


def test_the_range_is_replaced_and_all_else_stays(tmp_path: Path) -> None:
    done = transform(tmp_path, f"<dhcp>{RANGE}</dhcp>")
    assert done.returncode == 0, done.stderr
    before, after = ET.fromstring(WRITTEN.format(dhcp=f"<dhcp>{RANGE}</dhcp>")), ET.fromstring(done.stdout)
    (found,) = after.findall("ip/dhcp/range")
    assert found.attrib == {"start": "10.0.1.100", "end": "10.0.1.200"}
    for tree in (before, after):
        dhcp = tree.find("ip/dhcp")
        assert dhcp is not None
        dhcp.clear()
    assert ET.canonicalize(ET.tostring(after), strip_text=True) == ET.canonicalize(ET.tostring(before), strip_text=True)


@pytest.mark.parametrize("dhcp", ["", "<dhcp></dhcp>", f"<dhcp>{RANGE}{RANGE}</dhcp>"], ids=["none", "empty", "two"])
def test_xml_that_the_provider_does_not_write_today_is_refused(tmp_path: Path, dhcp: str) -> None:
    done = transform(tmp_path, dhcp)
    assert done.returncode != 0, "a range left as it is would lease static addresses"
    assert "expected one DHCP range" in done.stderr


def test_the_text_depends_on_the_range_alone() -> None:
    assert dhcp_range(LEASED) == dhcp_range(AddressRange(first=LEASED.first, last=LEASED.last))
    other = AddressRange(first=LEASED.first, last=IPv4Address("10.0.1.201"))
    assert dhcp_range(LEASED) != dhcp_range(other)


FOLDERS = {"twin-vpc-ssd": "/images/ssd", "twin-vpc-hdd": "/images/hdd"}
# As terraform-provider-libvirt v0.8.3 writes it, shortened to what matters.
ROOT = """<disk type="volume" device="disk"><driver name="qemu" type="qcow2"></driver>
  <source pool="twin-vpc-ssd" volume="web-1-0a.qcow2"></source><target dev="vda" bus="virtio"></target></disk>"""
DATA = ROOT.replace("twin-vpc-ssd", "twin-vpc-hdd").replace("web-1-0a", "web-1-data").replace("vda", "vdb")
CD = """<disk type="file" device="cdrom"><driver name="qemu" type="raw"></driver>
  <source file="/images/ssd/s.iso"></source><target dev="hdd" bus="ide"></target><serial>cloudinit</serial></disk>"""
DOMAIN = (
    """<domain type="kvm"><name>web-1</name><os><type>hvm</type></os>"""
    """<devices>{disks}<interface type="network"></interface></devices></domain>"""
)


def domain(folder: Path, written: str, *, data: bool) -> ET.Element:
    done = transformed(folder, domain_disks(FOLDERS, data=data), DOMAIN.format(disks=written))
    assert done.returncode == 0, done.stderr
    return ET.fromstring(done.stdout)


def disks(folder: Path, written: str, *, data: bool) -> list[ET.Element]:
    return domain(folder, written, data=data).findall("devices/disk")


def test_volumes_become_files_and_the_cd_moves_to_a_bus_that_cloud_images_know(tmp_path: Path) -> None:
    root, data, disc = disks(tmp_path, ROOT + DATA + CD, data=True)
    for disk, file, serial in (
        (root, "/images/ssd/web-1-0a.qcow2", None),
        (data, "/images/hdd/web-1-data.qcow2", "data"),
    ):
        assert disk.attrib == {"type": "file", "device": "disk"}, "AppArmor's helper reads files only"
        (source,) = disk.findall("source")
        assert source.attrib == {"file": file}
        assert disk.findtext("serial") == serial, "the guest finds its data disk by this"
        assert disk.find("driver") is not None
    assert [one.attrib for one in disc.findall("target")] == [{"dev": "sda", "bus": "scsi"}]
    assert disc.findtext("serial") == "cloudinit", "the provider knows its disk by this"


def test_the_machine_has_the_cds_bus_and_tells_cloud_init_that_a_seed_will_come(tmp_path: Path) -> None:
    whole = domain(tmp_path, ROOT + CD, data=False)
    assert [one.get("model") for one in whole.findall("devices/controller[@type='scsi']")] == ["virtio-scsi"]
    assert [one.attrib for one in whole.findall("os/smbios")] == [{"mode": "sysinfo"}]
    assert whole.findtext("sysinfo[@type='smbios']/system/entry[@name='serial']") == "ds=nocloud"


def test_a_machine_without_data_has_one_disk_and_its_cd(tmp_path: Path) -> None:
    root, _ = disks(tmp_path, ROOT + CD, data=False)
    assert root.find("serial") is None


@pytest.mark.parametrize(
    ("written", "data"),
    [(ROOT + CD, True), (ROOT + DATA + CD, False), (ROOT, False), (ROOT.replace("ssd", "other") + CD, False),
     (ROOT + CD.replace("ide", "sata"), False), (ROOT.replace('"volume" d', '"file" d') + CD, False)],
    ids=["no data", "too many", "no cd", "a foreign pool", "another bus", "a file already"],
)  # fmt: skip
def test_disks_that_the_provider_does_not_write_today_are_refused(tmp_path: Path, written: str, *, data: bool) -> None:
    done = transformed(tmp_path, domain_disks(FOLDERS, data=data), DOMAIN.format(disks=written))
    assert done.returncode != 0
    assert "of our pools and one IDE CD" in done.stderr


def test_the_text_of_a_machine_names_its_own_pools_only() -> None:
    assert domain_disks(FOLDERS, data=True) == domain_disks(dict(reversed(FOLDERS.items())), data=True)
    assert "hdd" not in domain_disks({"twin-vpc-ssd": "/images/ssd"}, data=False), "a new pool replaces no machine"
