"""The transformation, run by the program that the provider runs, over XML as the provider writes it."""

import subprocess
from ipaddress import IPv4Address
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from components.libvirt.xslt import dhcp_range
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
    style, document = folder / "range.xslt", folder / "network.xml"
    style.write_text(dhcp_range(LEASED))
    document.write_text(WRITTEN.format(dhcp=dhcp))
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
