"""What is not ours on the host is the same before `up`, after it, and after `destroy`, which leaves nothing of ours."""

import difflib
import re
from collections.abc import Iterator

import pytest

from sandbox import engine
from sandbox.dell import World, in_dell, settled
from sandbox.dell.world import wait_for
from sandbox.project import STACK, Project, project

pytestmark = pytest.mark.sandbox

OURS = ("twin_vpc", "twin-vpc", "br-container", "br-database", "br-management", "br-private", "br-public")
SEGMENTS = {"container", "database", "management", "private", "public"}
BLOCKS = re.compile(r"\b10\.0\.[0-4]\.")
"""Where an address of a segment stands, and no other address of anybody's."""
QUESTIONS = {
    "rules": ("ip", "rule"),
    "rules6": ("ip", "-6", "rule"),
    "networks": ("virsh", "--quiet", "net-list", "--all"),
    "default network": ("virsh", "net-dumpxml", "default"),
    "pools": ("virsh", "--quiet", "pool-list", "--all"),
    "units": ("systemctl", "list-unit-files", "--no-legend", "--no-pager"),
    "sysctl": ("sysctl", "-a", "--pattern", r"ip_forward|tcp_keepalive_time|conf\.(all|default|eno1|docker0)\."),
    "etc": ("sh", "-c", "find /etc -type f ! -path '*/firewalld/*.old' | sort | xargs sha256sum"),
    "containers": ("docker", "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Ports}}"),
    "started": ("docker", "inspect", "-f", "{{.State.StartedAt}}", "probe"),
}
ZONES = {
    "zone": ("firewall-cmd", "--list-all-zones"),
    "policy": ("firewall-cmd", "--list-all-policies"),
    "permanent zone": ("firewall-cmd", "--permanent", "--list-all-zones"),
    "permanent policy": ("firewall-cmd", "--permanent", "--list-all-policies"),
}
OWNERS_TABLE = """\
table inet owner {
    set friends { type ipv4_addr; flags interval; elements = { 10.0.77.0/24, 192.0.2.7 } }
    chain forward {
        type filter hook forward priority filter + 7; policy accept;
        ip saddr 10.0.77.1 counter accept
        ip saddr @friends tcp dport 443 counter accept comment "first"
        ip saddr @friends counter drop
    }
}
"""
OWNERS_ZONE = """\
<zone><short>owner</short><source address="10.0.78.0/24"/><port port="4711" protocol="tcp"/>
<rule family="ipv4"><source address="10.0.78.9"/><port port="4712" protocol="udp"/><accept/></rule></zone>
"""
OWNERS_SYSCTL = "# the owner's\nnet.ipv4.tcp_keepalive_time = 7100\n"
PLANTED = {
    "table inet owner chain forward": "ip saddr @friends tcp dport 443",
    "zone owner (active)": "sources: 10.0.78.0/24",
    "permanent zone owner (active)": "sources: 10.0.78.0/24",
    "table inet firewalld chain filter_IN_owner_allow": "4711",
    "sysctl": "net.ipv4.tcp_keepalive_time = 7100",
    "etc": "/etc/sysctl.d/99-owner.conf",
}
"""Where the owner's things are seen, and words that stand there."""
CHANGES = {
    "table inet owner chain forward": "nft insert rule inet owner forward ip daddr 10.0.77.3 drop",
    "table inet owner set friends": "nft delete element inet owner friends '{ 192.0.2.7 }'",
    "zone owner (active)": "firewall-cmd -q --zone=owner --add-port=4713/tcp",
    "sysctl": "sysctl -qw net.ipv4.tcp_keepalive_time=7000",
    "etc": "echo '# 10.0.99.1' >> /etc/sysctl.d/99-owner.conf",
    "rules": "ip rule add pref 1900 from 10.0.77.0/24 lookup main",
}
"""What somebody could do to them, by what must then differ."""
State = dict[str, list[str]]
"""Lines in their order, by what was asked; each chain and each zone is asked for by itself."""


def state(world: World) -> State:
    """The host without counters, time stamps and what changes by itself."""
    settled(world)
    found = {name: lines(in_dell(world, *argv)) for name, argv in QUESTIONS.items()}
    for table, body in blocks(in_dell(world, "nft", "--stateless", "list", "ruleset"), r"^(table .*?) \{\n(.*?)^\}"):
        parts = blocks(body, r"^\t((?:chain|set|map) \S+) \{\n(.*?)^\t\}")
        found |= {f"{table} {name}": lines(rules) for name, rules in parts}
        found[table] = sorted(name for name, _ in parts)  # in which order nft lists them means nothing
    for table, body in blocks(in_dell(world, "iptables-save"), r"^\*(\w+)\n(.*?)^COMMIT"):
        for line in lines(re.sub(r" \[\d+:\d+\]", "", body)):
            found.setdefault(f"iptables {table} {line.split()[1] if line[0] == '-' else 'chains'}", []).append(line)
        found[f"iptables {table} chains"].sort()
    for kind, argv in ZONES.items():
        for block in in_dell(world, *argv).strip().split("\n\n"):
            title, *rest = block.strip().splitlines()
            found[f"{kind} {title}"] = lines("\n".join(rest))
    return found


def blocks(text: str, pattern: str) -> list[tuple[str, str]]:
    return re.findall(pattern, text, flags=re.MULTILINE | re.DOTALL)


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def differing(before: State, after: State) -> State:
    """What is not line by line the same, and in the same order: what came, went or moved, by what was asked."""
    pairs = {name: (before.get(name, []), after.get(name, [])) for name in (before | after)}
    return {
        name: [line for line in difflib.ndiff(one, other) if line[0] in "+-"]
        for name, (one, other) in pairs.items()
        if one != other
    }


def foreign(found: State) -> State:
    """The same without what we made."""
    kept = {name: [line for line in held if not mine(name, line)] for name, held in found.items() if not of_ours(name)}
    return {name: held for name, held in kept.items() if held}


def of_ours(text: str) -> bool:
    return any(word in text for word in OURS)


def mine(name: str, line: str) -> bool:
    """A line about what we made: by our name, bridges, blocks or mark, or our one setting of the host."""
    if of_ours(line) or BLOCKS.search(line) or re.search(r"0x0?1000000\b", line) or "all.src_valid_mark" in line:
        return True
    words = set(line.split())
    named = {"networks": SEGMENTS, "rules": {"nop"}, "rules6": {"nop"}}.get(name, set[str]())
    return bool(words & (named | {f"/etc/libvirt/qemu/networks/{segment}.xml" for segment in SEGMENTS}))


@pytest.fixture(scope="module", autouse=True)
def owner(bare: World) -> Iterator[None]:
    """A table, a zone and a kernel setting of the owner's own, with addresses near ours."""
    files = {"/etc/firewalld/zones/owner.xml": OWNERS_ZONE, "/etc/sysctl.d/99-owner.conf": OWNERS_SYSCTL}
    for path, text in files.items():
        in_dell(bare, "sh", "-c", f"cat > {path}", stdin=text)
    in_dell(bare, "sh", "-c", "sysctl -qp /etc/sysctl.d/99-owner.conf; firewall-cmd -q --reload")
    in_dell(bare, "nft", "-f", "-", stdin=OWNERS_TABLE)
    docker_is_back(bare)
    yield
    in_dell(bare, "sh", "-c", f"rm {' '.join(files)}; nft delete table inet owner; firewall-cmd -q --reload")
    in_dell(bare, "sysctl", "-qw", "net.ipv4.tcp_keepalive_time=7200")
    docker_is_back(bare)


def docker_is_back(world: World) -> None:
    """firewalld's reload takes Docker's chains and our accept in one of them; both come back by themselves."""
    wanted = "twin-vpc" if "twin_vpc" in in_dell(world, "nft", "list", "tables") else "DOCKER-USER"
    wait_for("Docker's chains", lambda: wanted in in_dell(world, "iptables", "-S"))


def test_a_change_of_what_is_the_owners_would_be_seen(bare: World) -> None:
    """The negative control, made and taken back by hand."""
    before = state(bare)
    missing = {name: words for name, words in PLANTED.items() if not any(words in line for line in before[name])}
    assert not missing
    in_dell(bare, "sh", "-ec", "; ".join(CHANGES.values()))
    try:
        assert CHANGES.keys() <= differing(foreign(before), foreign(state(bare))).keys()
    finally:
        in_dell(bare, "nft", "-f", "-", stdin=f"delete table inet owner\n{OWNERS_TABLE}")
        in_dell(bare, "sh", "-c", "cat > /etc/sysctl.d/99-owner.conf", stdin=OWNERS_SYSCTL)
        back = "sysctl -qp /etc/sysctl.d/99-owner.conf; ip rule del pref 1900"
        in_dell(bare, "sh", "-c", f"{back}; firewall-cmd -q --zone=owner --remove-port=4713/tcp")
    assert not differing(before, state(bare))


@pytest.fixture
def gone(deployed: Project) -> Iterator[Project]:
    """The stack taken away, and put back for the tests that follow."""
    deployed.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    yield deployed
    deployed.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)


def test_up_and_destroy_leave_what_is_not_ours_word_for_word_and_nothing_of_ours_stays(gone: Project) -> None:
    without = state(gone.world)
    left = [f"{name}: {line}" for name, held in without.items() for line in (name, *held) if of_ours(line)]
    assert not left, "nothing of ours stays"
    gone.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    with_it = state(gone.world)
    assert differing(without, with_it), "the control: it did change something"
    assert not differing(foreign(without), foreign(with_it)), "and nothing of anybody else's, in no order"
    gone.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert not differing(without, state(gone.world))


def test_a_stack_of_another_name_finds_nothing_to_destroy(deployed: Project) -> None:
    other = project(deployed.world, engine.ensure(), "project-other")
    other.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    assert "br-public" in in_dell(deployed.world, "ip", "-br", "link")
