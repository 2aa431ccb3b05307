"""What is not ours on the host is the same before `up`, after it, and after `destroy`, which leaves nothing of ours."""

import re
from collections.abc import Iterator

import pytest

from sandbox import engine
from sandbox.dell import World, in_dell
from sandbox.project import STACK, Project, project

pytestmark = pytest.mark.sandbox

OURS = ("twin_vpc", "twin-vpc", "br-container", "br-database", "br-management", "br-private", "br-public")
QUESTIONS = {
    "nft": ("nft", "--stateless", "list", "ruleset"),
    "rules": ("ip", "rule"),
    "rules6": ("ip", "-6", "rule"),
    "iptables": ("iptables-save",),
    "zones": ("firewall-cmd", "--list-all-zones"),
    "policies": ("firewall-cmd", "--list-all-policies"),
    "permanent zones": ("firewall-cmd", "--permanent", "--list-all-zones"),
    "networks": ("virsh", "--quiet", "net-list", "--all"),
    "default network": ("virsh", "net-dumpxml", "default"),
    "pools": ("virsh", "--quiet", "pool-list", "--all"),
    "units": ("systemctl", "list-unit-files", "--no-legend", "--no-pager"),
    "sysctl": ("sysctl", "-a", "--pattern", r"ip_forward|conf\.(all|default|eno1|docker0)\."),
    "etc": ("sh", "-c", "find /etc -type f ! -path '*/firewalld/*.old' | sort | xargs sha256sum"),
    "containers": ("docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Ports}}"),
    "started": ("docker", "inspect", "-f", "{{.State.StartedAt}}", "probe"),
}


def state(world: World) -> dict[str, list[str]]:
    """The host without counters, time stamps and what changes by itself."""
    found: dict[str, list[str]] = {}
    for name, argv in QUESTIONS.items():
        text = in_dell(world, *argv)
        text = re.sub(r"\[\d+:\d+\]|^#.*$", "", text, flags=re.MULTILINE)
        found[name] = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return found


def differing(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """Lines that came or went, by question."""
    changes = {n: sorted(set(before[n]) ^ set(after[n])) for n in before}
    return {name: lines for name, lines in changes.items() if lines}


@pytest.fixture
def gone(deployed: Project) -> Iterator[Project]:
    """The stack taken away, and put back for the tests that follow."""
    deployed.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    yield deployed
    deployed.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)


def test_destroy_leaves_the_host_as_if_the_stack_had_never_been(gone: Project) -> None:
    world = gone.world
    without = state(world)
    left = [
        f"{name}: {line}" for name, lines in without.items() for line in lines if any(word in line for word in OURS)
    ]
    assert not left, "nothing of ours stays"
    gone.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    gone.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert not differing(without, state(world))


def test_up_changes_nothing_that_is_not_ours(gone: Project) -> None:
    before = state(gone.world)
    gone.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    changed = differing(before, state(gone.world))
    foreign = {name: [line for line in lines if not mine(name, line)] for name, lines in changes_of(changed)}
    assert not {name: lines for name, lines in foreign.items() if lines}


def changes_of(changed: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    """Everything but the texts that hold whole tables or zones of ours, which are compared line by line elsewhere."""
    return [
        (name, lines) for name, lines in changed.items() if name not in {"nft", "zones", "permanent zones", "policies"}
    ]


def mine(name: str, line: str) -> bool:
    """A line about what we made: by our name, bridges, blocks or mark, or our one setting of the host."""
    if any(
        word in line
        for word in (*OURS, "0x1000000", "10.0.", "all.src_valid_mark", "/libvirt/qemu/networks/", "/libvirt/storage/")
    ):
        return "default.xml" not in line
    named = {
        "networks": {"container", "database", "management", "private", "public"},
        "rules": {"nop"},
        "rules6": {"nop"},
    }
    return bool(set(line.split()) & named.get(name, set()))


def test_foreign_tables_zones_and_rules_are_word_for_word_the_same(gone: Project) -> None:
    def foreign(world: World) -> dict[str, object]:
        tables = in_dell(world, "nft", "list", "tables").splitlines()
        others = [t for t in tables if "twin_vpc" not in t and t.split()[1:] != ["inet", "firewalld"]]
        found = {t: chains(in_dell(world, "nft", "--stateless", "list", *t.split())) for t in others}
        found["docker user"] = "\n".join(
            line for line in in_dell(world, "iptables", "-S").splitlines() if "twin-vpc" not in line
        )
        for zone in ("public", "docker", "libvirt", "trusted"):
            found[zone] = in_dell(world, "firewall-cmd", "--info-zone", zone)
        return {k: v for k, v in found.items() if k != "table ip filter"}  # holds our one tagged rule, compared above

    before = foreign(gone.world)
    gone.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    assert foreign(gone.world) == before


def chains(table: str) -> dict[str, str]:
    """Each chain's rules in their order; in which order nft lists the chains means nothing."""
    blocks = re.findall(r"^\tchain (\S+) \{\n(.*?)^\t\}", table, flags=re.MULTILINE | re.DOTALL)
    assert blocks or "chain" not in table
    return dict(blocks)


def test_a_stack_of_another_name_finds_nothing_to_destroy(deployed: Project) -> None:
    other = project(deployed.world, engine.ensure(), "project-other")
    other.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert "br-public" in in_dell(deployed.world, "ip", "-br", "link")
