"""The loader in a network namespace of its own: two blocks of rules, one of them complete at any moment."""

import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import pytest

from providers.host import files, kernel
from tests.providers.samples import HELD, RULESET, rules

pytestmark = pytest.mark.root

GOLDEN = Path(__file__).parents[1] / "policy" / "golden"
NOP = "from all nop proto kernel"
ONE = rules("br-public")
TWO = rules("br-public", "br-private", "br-new")


class Host:
    """A network namespace with the loader and its files in a folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        (folder / "load").write_text(files.shell("load"), encoding="utf-8")
        self.write(ONE)

    def write(self, routing_rules: Sequence[str], ruleset: str = RULESET) -> None:
        (self.folder / "routing-rules").write_text(files.rules_text(tuple(routing_rules)), encoding="utf-8")
        (self.folder / "routing-rules6").write_text("iif br-public prohibit\n", encoding="utf-8")
        (self.folder / "ruleset.nft").write_text(files.uplinks_line(("eno1",)) + ruleset, encoding="utf-8")
        (self.folder / "held.nft").write_text(files.uplinks_line(("eno1",)) + HELD, encoding="utf-8")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *words], capture_output=True, text=True, timeout=60, check=False
        )

    def out(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("sh", str(self.folder / "load"), *words)

    def blocks(self, listing: str | None = None) -> dict[str, list[str]]:
        """Our rules by block, in order."""
        found: dict[str, list[str]] = {"A": [], "B": []}
        for line in (self.out("ip", "-details", "rule") if listing is None else listing).splitlines():
            pref, _, rule = line.replace(" [detached]", "").partition(":")
            rule = re.sub(r" (unicast|tos 0x0)\b", "", rule.strip())
            if rule.endswith(" proto kernel") and 1001 <= int(pref) <= 5199:
                found["A" if int(pref) <= 3099 else "B"].append(rule)
        return found


def listed(routing_rules: Sequence[str]) -> list[str]:
    """A set as the kernel lists it."""
    named: list[str] = []
    for rule in routing_rules:
        _, interface, *rest = rule.split()
        mark = f"fwmark {rest[1]} " if rest[0] == "fwmark" else ""
        action = " ".join(rest[2:]) if mark else " ".join(rest)
        named.append(f"from all {mark}iif {interface} {action} proto kernel")
    return [*named, NOP]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    name = f"twin-{uuid4().hex[:8]}-loader"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield Host(name, tmp_path)
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_the_first_load_puts_both_walls_up(host: Host) -> None:
    assert host.load().returncode == 0
    assert host.blocks() == {"A": listed(ONE), "B": []}
    assert "br-public" in host.out("ip", "-6", "rule")
    assert tables(host) == {"twin_vpc", "twin_vpc_host"}


@pytest.mark.parametrize("case", ["dell", "ports", "changed"])
def test_what_is_rendered_is_walked_in_its_order(host: Host, case: str) -> None:
    wanted = (GOLDEN / f"{case}.routing").read_text(encoding="utf-8").splitlines()
    host.write(wanted)
    assert host.load().returncode == 0
    named = [rule if rule.startswith("from ") else f"from all {rule}" for rule in wanted]
    assert host.blocks()["A"] == [*(f"{rule} proto kernel" for rule in named), NOP]


def test_a_second_load_touches_no_rule(host: Host) -> None:
    host.load()
    with subprocess.Popen(
        ["ip", "netns", "exec", host.name, "ip", "monitor", "rule"], stdout=subprocess.PIPE, text=True
    ) as monitor:
        assert host.load().returncode == 0
        host.out("ip", "rule", "add", "pref", "9", "lookup", "9")
        assert monitor.stdout is not None
        assert "lookup 9" in monitor.stdout.readline(), "the first event the monitor saw is our own, after the load"
        monitor.terminate()
    assert host.blocks() == {"A": listed(ONE), "B": []}


def test_a_changed_set_goes_into_the_other_block(host: Host) -> None:
    host.load()
    host.write(TWO)
    assert host.load().returncode == 0
    assert host.blocks() == {"A": [], "B": listed(TWO)}
    host.write(ONE)
    assert host.load().returncode == 0
    assert host.blocks() == {"A": listed(ONE), "B": []}


def incomplete(host: Host, samples: Sequence[str]) -> list[str]:
    """Samples in which neither block holds a complete set."""
    complete = (listed(ONE), listed(TWO))
    return [sample for sample in samples if not any(block in complete for block in host.blocks(sample).values())]


class Sampler:
    """Lists the rules over and over until the block of code is left."""

    def __init__(self, host: Host) -> None:
        words = ["sh", "-c", "while :; do ip -details rule; echo ==; done"]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host.name, *words], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.samples: list[str] = []
        self.thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            if line == "==\n":
                self.samples.append("".join(lines))
                lines = []
            else:
                lines.append(line)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.thread.join()
        self.process.wait()


def test_at_no_moment_is_no_block_complete(host: Host) -> None:
    host.load()
    with Sampler(host) as sampler:
        for wanted in (TWO, ONE) * 10:
            host.write(wanted)
            assert host.load().returncode == 0
    assert len(sampler.samples) > 100
    assert incomplete(host, sampler.samples) == []


def test_the_sampler_sees_a_loader_that_deletes_first(host: Host) -> None:
    host.load()
    with Sampler(host) as sampler:
        for _ in range(20):
            host.load("unload")
            host.load()
    assert incomplete(host, sampler.samples), "the control is not red: the sampler would miss a gap"


@pytest.mark.parametrize("at", ["after the fill", "half of the fill", "half of the clearing"])
def test_a_kill_in_the_middle_is_taken_up_where_it_was(host: Host, at: str) -> None:
    host.load()
    new = listed(TWO)[: 3 if at == "half of the fill" else None]
    for number, rule in enumerate(new):
        pref = 5199 if rule == NOP else 3100 + number // 2
        words = rule.removeprefix("from all ").removesuffix(" proto kernel").split()
        host.out("ip", "rule", "add", "pref", str(pref), "protocol", "kernel", *words)
    if at == "half of the clearing":
        host.out("ip", "rule", "del", "pref", "3099")
        host.out("ip", "rule", "del", "pref", "1001", "iif", "br-public", "prohibit")
    host.write(TWO)
    with Sampler(host) as sampler:
        assert host.load().returncode == 0
    assert incomplete(host, sampler.samples) == []
    assert sorted(map(len, host.blocks().values())) == [0, len(listed(TWO))]
    assert listed(TWO) in host.blocks().values()


@pytest.mark.parametrize("bad", ["iif br-new prohibbit", "iif an-interface-name-too-long prohibit"])
def test_a_refused_rule_leaves_the_old_block_and_says_so(host: Host, bad: str) -> None:
    host.load()
    host.write([*TWO, bad])
    done = host.load()
    assert done.returncode == 1
    assert "the rules in force stay" in done.stderr
    assert host.blocks() == {"A": listed(ONE), "B": []}


def test_a_refused_table_leaves_the_old_table_and_the_second_wall(host: Host) -> None:
    host.load()
    before = host.out("nft", "--stateless", "list", "ruleset")
    host.write(TWO, RULESET.replace("counter drop", "counter dropp"))
    assert host.load().returncode == 1
    assert host.out("nft", "--stateless", "list", "ruleset") == before
    assert host.blocks() == {"A": [], "B": listed(TWO)}


def test_a_first_load_with_a_refused_table_leaves_the_host_closed(host: Host) -> None:
    host.write(ONE, "table inet twin_vpc { nonsense }\n")
    assert host.load().returncode == 1
    assert host.blocks() == {"A": listed(ONE), "B": []}, "no packet carries the mark, so nothing is forwarded"


def test_a_first_load_with_a_refused_rule_still_loads_the_table(host: Host) -> None:
    host.write(["iif br-public prohibbit"])
    assert host.load().returncode == 1
    assert "twin_vpc_host" in host.out("nft", "list", "tables")
    assert host.blocks() == {"A": [], "B": []}


def test_what_is_not_ours_is_not_touched(host: Host) -> None:
    host.out("ip", "rule", "add", "pref", "1500", "from", "10.9.9.9", "lookup", "main")
    host.out("ip", "rule", "add", "pref", "5210", "fwmark", "0x80000/0xff0000", "lookup", "main")
    host.out("ip", "-6", "rule", "add", "pref", "3100", "lookup", "55")
    host.out("nft", "add table inet owner; add chain inet owner forward { type filter hook forward priority 0; }")
    before = [host.out("ip", "rule"), host.out("ip", "-6", "rule"), host.out("nft", "list", "ruleset")]
    host.load()
    host.write(TWO)
    host.load()
    assert host.blocks() == {"A": [], "B": listed(TWO)}
    assert host.load("unload").returncode == 0
    assert [host.out("ip", "rule"), host.out("ip", "-6", "rule"), host.out("nft", "list", "ruleset")] == before


def test_unload_removes_all_and_can_be_repeated(host: Host) -> None:
    host.load()
    for _ in range(2):
        assert host.load("unload").returncode == 0
        assert host.blocks() == {"A": [], "B": []}
        assert host.out("nft", "list", "ruleset") == ""


def test_a_block_has_room_for_500_segments(host: Host) -> None:
    wanted = rules(*(f"br-{number}" for number in range(500)))
    host.write(wanted)
    assert host.load().returncode == 0
    assert host.blocks() == {"A": listed(wanted), "B": []}


def test_show_is_the_same_after_every_load_and_in_either_block(host: Host) -> None:
    host.load()
    first = host.load("show").stdout
    host.write(TWO)
    host.load()
    assert host.load("show").stdout != first
    host.write(ONE)
    host.load()
    handles = re.compile(r'"handle": \d+')
    assert handles.sub("", host.load("show").stdout) == handles.sub("", first)


@contextmanager
def holding(host: Host) -> Iterator[subprocess.Popen[str]]:
    words = ["ip", "netns", "exec", host.name, "sh", str(host.folder / "load"), "hold"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as holder:
        try:
            yield holder
        finally:
            holder.kill()


def tables(host: Host) -> set[str]:
    return set(re.findall(r"\btwin_vpc\w*", host.out("nft", "list", "tables")))


def test_the_held_table_outlives_every_flush_and_goes_with_its_process(host: Host) -> None:
    host.load()
    with holding(host) as holder:
        assert host.load("held").returncode == 0
        assert tables(host) == {"twin_vpc", "twin_vpc_host", "twin_vpc_held"}
        host.out("nft", "flush", "ruleset")
        assert tables(host) == {"twin_vpc_held"}, "the control: the two others went"
        for words in ("delete table", "flush table", "flush chain"):
            done = host.run("nft", *words.split(), "inet", "twin_vpc_held", *(["input"] if "chain" in words else []))
            assert (done.returncode, "not permitted" in done.stderr) == (1, True), words
        assert "tcp dport 2200" in host.out("nft", "list", "table", "inet", "twin_vpc_held")
        assert host.load().returncode == 0
        assert tables(host) == {"twin_vpc", "twin_vpc_host", "twin_vpc_held"}, "a load beside it is no conflict"
        holder.kill()
        holder.wait(10)
        assert tables(host) == {"twin_vpc", "twin_vpc_host"}


def test_a_held_table_that_is_refused_is_reported_and_holds_nothing(host: Host) -> None:
    (host.folder / "held.nft").write_text("table inet twin_vpc_held { nonsense }\n", encoding="utf-8")
    with holding(host):
        done = host.load("held")
    assert (done.returncode, "twin_vpc_held is not there" in done.stderr) == (1, True)


def test_a_rehearsal_shows_what_will_be_there_and_judges_the_held_table_too(host: Host) -> None:
    assert host.load("rehearse").returncode == 0
    rehearsed = kernel.digest(host.load("show").stdout)
    assert host.load("unload").returncode == 0
    assert tables(host) == set()
    host.load()
    with holding(host):
        host.load("held")
        assert kernel.digest(host.load("show").stdout) == rehearsed
    (host.folder / "held.nft").write_text("table inet twin_vpc_held {\nflags ovner\n}\n", encoding="utf-8")
    assert host.load("rehearse").returncode != 0


def test_the_kernels_own_rule_for_vrfs_is_not_taken_for_ours(host: Host) -> None:
    """`lookup [l3mdev-table]` with the first VRF: net/core/fib_rules.c and l3mdev put it at 1000, as their own."""
    host.out("ip", "rule", "add", "pref", "1000", "protocol", "kernel", "lookup", "77")
    host.load()
    host.write(TWO)
    host.load()
    assert host.load("unload").returncode == 0
    assert "1000:" in host.out("ip", "rule")


def test_an_unknown_word_is_refused(host: Host) -> None:
    done = host.load("stop")
    assert (done.returncode, done.stderr) == (2, "twin-vpc: unknown word stop\n")
