import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from sandbox.probe import guests
from sandbox.probe.guests import GuestError, Wish, add, by_segment, name_of, remove, seated
from sandbox.probe.lab import Lab
from sandbox.probe.measure import measure
from sandbox.probe.namespaces import run_inside
from sandbox.probe.stands import Stand
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Probe

OWNER = "t0probe0"
PUBLIC = Wish("public", "br-public", IPv4Address("10.0.1.1"), 1)
DATABASE = Wish("database", "br-database", IPv4Address("10.0.3.1"), 1, IPv4Interface("10.0.3.50/24"))

pytestmark = pytest.mark.root


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab.create() as one:
        yield one


@pytest.fixture
def dhcp(lab: Lab, tmp_path: Path) -> Iterator[None]:
    """A DHCP server on br-public that grants .100 to .110."""
    leases = tmp_path / "leases"
    leases.touch()
    config = tmp_path / "udhcpd.conf"
    config.write_text(
        f"start 10.0.1.100\nend 10.0.1.110\ninterface br-public\nlease_file {leases}\npidfile {tmp_path / 'pid'}\n"
        "option subnet 255.255.255.0\noption router 10.0.1.1\noption dns 10.0.1.1\n"
    )
    server = subprocess.Popen(["nsenter", f"--net={lab.host}", "busybox", "udhcpd", "-f", str(config)])
    time.sleep(0.2)
    yield
    server.kill()
    server.wait()


def names() -> list[str]:
    return [path.name for path in Path("/run/netns").glob(f"twin-{OWNER}-g-*")]


def ports(lab: Lab) -> set[str]:
    return {line.split()[1] for line in run_inside(lab.host, "bridge", "link", "show").splitlines()}


def test_a_static_guest_has_its_address_and_reaches_its_router(lab: Lab) -> None:
    with seated(lab.host, [DATABASE], OWNER) as (guest,):
        assert guest.address == IPv4Address("10.0.3.50")
        assert not guest.leased
        stands = {"guest": Stand("guest", guest.netns, guest.address), "host": Stand("host", lab.host, guest.router)}
        (seen,) = measure([Probe("guest", "host", Protocol.ICMP)], stands)
        assert seen.open
        assert seen.seen_as == guest.address


@pytest.mark.usefixtures("dhcp")
def test_a_leased_guest_has_what_the_server_granted(lab: Lab) -> None:
    with seated(lab.host, [PUBLIC, DATABASE], OWNER) as (leased, static):
        assert leased.address in {IPv4Address(f"10.0.1.{last}") for last in range(100, 111)}
        assert leased.leased
        assert leased.resolver == leased.router == IPv4Address("10.0.1.1")
        assert by_segment([leased, static]) == {"database": (static,), "public": (leased,)}


@pytest.mark.usefixtures("dhcp")
def test_adding_twice_leaves_one_guest_with_the_same_lease(lab: Lab) -> None:
    first = add(lab.host, [PUBLIC], OWNER)
    before = ports(lab)
    try:
        assert add(lab.host, [PUBLIC], OWNER) == first
        assert ports(lab) == before
        assert names() == [name_of("public", 1, OWNER)]
    finally:
        remove(OWNER)


def test_removal_leaves_nothing_and_may_be_repeated(lab: Lab) -> None:
    before = ports(lab)
    add(lab.host, [DATABASE], OWNER)
    assert ports(lab) != before
    remove(OWNER)
    remove(OWNER)
    assert ports(lab) == before
    assert names() == []


def test_a_missing_bridge_is_named_and_no_guest_is_left(lab: Lab) -> None:
    lost = Wish("lost", "br-lost", IPv4Address("10.0.9.1"), 1, IPv4Interface("10.0.9.5/24"))
    with pytest.raises(GuestError, match="`lost` on br-lost"):
        add(lab.host, [DATABASE, lost], OWNER)
    assert names() == []


def test_a_segment_without_a_server_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "_TRIES", 1)
    monkeypatch.setattr(guests, "_PAUSE", 1)
    with pytest.raises(GuestError, match="`public`: no DHCP lease on br-public"):
        add(lab.host, [PUBLIC], OWNER)
    assert names() == []
