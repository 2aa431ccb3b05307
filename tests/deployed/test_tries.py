"""Who does not play by the rules gets nowhere either; and the tries themselves notice when the rules are gone."""

import pytest

from sandbox.dell import in_dell
from sandbox.measure import Rig, rig
from sandbox.project import STACK, Project
from tests.deployed.test_matrix import broken, unheld
from twinvpc.policy.nftables_chains import GENUINE

pytestmark = pytest.mark.sandbox

ANYTHING = f"iifname @segments meta mark set meta mark | {GENUINE:#x} accept"
"""A guard that takes every source for genuine."""
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)


def test_every_try_beyond_the_matrix_goes_as_intended(measuring: Rig) -> None:
    tried = measuring.tries()
    assert not [str(one) for one in tried if not one.right]
    names = " ".join(one.name for one in tried).lower()
    for kind in ("pretends", "fragment", "ipv6", "advertisement", "a name asked", "8080", "tcp/2200", "eno1"):
        assert kind in names, f"no try about {kind}"


def test_without_the_guard_false_sources_are_seen(deployed: Project, measuring: Rig) -> None:
    with broken(deployed.world, f"flush chain inet twin_vpc guard\nadd rule inet twin_vpc guard {ANYTHING}\n"):
        assert not [str(one) for one in measuring.tries() if not one.right], "the held table has a guard too"
        with unheld(deployed.world):
            wrong = [one.name for one in measuring.tries() if not one.right]
    assert wrong
    assert all("pretends" in name for name in wrong), wrong


def test_without_the_input_gates_the_host_is_seen_open(deployed: Project, measuring: Rig) -> None:
    loss = "flush chain inet twin_vpc to_host\nflush chain inet twin_vpc_host to_host\n"
    try:
        with broken(deployed.world, loss + "insert rule inet firewalld filter_INPUT accept"):
            assert not [str(one) for one in measuring.tries() if not one.right], "the held table judges it too"
            with unheld(deployed.world):
                wrong = [one.name for one in measuring.tries() if not one.right]
    finally:
        in_dell(deployed.world, "firewall-cmd", "--reload")
    assert "container → host tcp/2200" in wrong, wrong


def test_a_closed_switch_closes_the_internet_and_dns_as_a_tunnel(deployed: Project) -> None:
    before = (deployed.folder / "network.yaml").read_text(encoding="utf-8")
    closed = before.replace("database: {purpose: data, internet: true}", "database: {purpose: data, internet: false}")
    assert closed != before
    deployed.write("network.yaml", closed)
    try:
        deployed.pulumi(*UP)
        with rig(deployed.world, deployed.folder) as ready:
            assert str(ready.matrix.cell("database", "internet")) == "–"
            assert not ready.measure().failures
            tried = ready.tries()
        assert not [str(one) for one in tried if not one.right]
        asked = {
            (one.name.partition(":")[0], one.name[-3:]): one.measured for one in tried if "a name asked" in one.name
        }
        for transport in ("UDP", "TCP"):
            assert asked["database", transport] != asked["public", transport], "shut there and open elsewhere"
    finally:
        deployed.write("network.yaml", before)
        deployed.pulumi(*UP)
