"""A second sandbox beside the checkout's own, for the provider's tests alone."""

from collections.abc import Iterator

import pytest

from sandbox import dell
from sandbox.dell.site import Site
from sandbox.dell.world import World, settled, wait_for
from tests.providers.host import Host
from tests.providers.samples import inputs
from tests.providers.site import SITE

PUBLISHED = (
    "iptables -w -t nat -S PREROUTING | grep -q DOCKER && iptables -w -t nat -S OUTPUT | grep -q DOCKER && "
    "iptables -w -t nat -S DOCKER | grep 'dport 8080' || true"
)
"""Docker makes its rules again a moment after the firewalld reload of the test before."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    yield dell.up(SITE)
    dell.down(SITE)


@pytest.fixture
def host(world: World) -> Iterator[Host]:
    """A host with the traces of an owner, some of which a firewalld reload would wipe; clean afterwards."""
    here = Host(dell.current(Site(world.id)))  # after a reboot `world` is stale
    settled(here.world)
    here.sh(
        "iptables -w -P FORWARD DROP; ip rule add pref 1500 from 10.9.9.9 lookup main; nft add table inet owner;"
        "iptables -w -I DOCKER-USER -s 198.51.100.99 -j DROP; iptables -w -N f2b-docker;"
        "iptables -w -A f2b-docker -s 198.51.100.98 -j REJECT; iptables -w -I DOCKER-USER 2 -j f2b-docker;"
        "firewall-cmd -q --zone=public --add-port=1234/tcp"
    )
    wait_for("Docker's own rules", lambda: bool(here.sh(PUBLISHED)))
    yield here
    here.delete(inputs())
    here.sh(
        "ip rule del pref 1500; nft delete table inet owner;"
        "iptables -w -D DOCKER-USER -s 198.51.100.99 -j DROP; iptables -w -D DOCKER-USER -j f2b-docker;"
        "iptables -w -F f2b-docker; iptables -w -X f2b-docker; firewall-cmd -q --zone=public --remove-port=1234/tcp;"
        "true"
    )
