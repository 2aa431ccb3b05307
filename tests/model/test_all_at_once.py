"""One run tells everything: a broken item hides neither its neighbours nor what the files say about each other."""

from pathlib import Path

import pytest

from tests import golden
from tests.model.owner import AWS, DELL, NETWORK, load_with
from twinvpc.model.load import load
from twinvpc.model.problems import InvalidInputError
from twinvpc.model.source import Source

RUINED_NETWORK = """\
domain: lab
cidr: 10.0.0.0/33
segments:
  management: {purpose: 7, internet: true}
  public: {internet: perhaps}
  private: [true]
  Database: {internet: true}
  lan: {}
flows:
  - {from: [management, nobody], to: public, services: any}
  - {from: 5, to: elsewhere, services: tcp/99999}
  - {from: public, to: [public, internet], services: [host-ssh, ftp]}
  - nothing
  - {form: public, to: private, services: any}
"""
RUINED_DELL = """\
config:
  twin-vpc:kind: libvrt
  twin-vpc:host: {address: "no such", port: 22, uplinks: [br-public, "a b"], lan: 192.168.1.0/24}
  twin-vpc:docker: {pool: 172.17.0.0/16, swarm_pool: 10.0.0.0/8}
  twin-vpc:segments:
    management: {cidr: 10.0.0.0/24, dhcp: never, ssh_ports: 2201-2210}
    public: {cidr: 10.0.0.128/25, ssh_ports: 2210-2230}
    private: {cidr: 10.0.2.0/24, dhcp: 10.0.2.0-10.0.2.9, ssh_ports: many}
    surplus: {ssh_ports: 1-2}
  docker: {}
  twin-vpc:pools: {ssd: here}
"""


def problems_of(folder: Path, changed: dict[str, str], stack: str = "dell") -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        load_with(folder, changed, stack)
    return caught.value


def test_two_ruined_files_are_told_whole_in_one_error(tmp_path: Path) -> None:
    error = problems_of(tmp_path, {NETWORK: RUINED_NETWORK, DELL: RUINED_DELL})
    golden.check(Path(__file__).parent / "golden" / "two-ruined-files.txt", f"{error}\n")
    assert {p.file for p in error.problems} == {NETWORK, DELL}


@pytest.mark.parametrize("broken", ["domain: 5\ncidr: 10.0.0.0/16", "domain: lab.local\ncidr: nowhere", "nonsense: 1"])
def test_a_broken_head_does_not_hide_a_flow_to_nobody(tmp_path: Path, broken: str) -> None:
    text = f"{broken}\nsegments:\n  public: {{}}\nflows:\n  - {{from: public, to: nobody, services: any}}\n"
    told = {problem.path: problem for problem in problems_of(tmp_path, {NETWORK: text}).problems}
    assert "`nobody`" in told["flows[0].to"].what


TWO_SEGMENTS = "domain: lab.local\ncidr: 10.0.0.0/16\nsegments: {public: {}, private: {}}\n"
STACK = """\
config:
  twin-vpc:kind: libvirt
  twin-vpc:host: {address: 192.168.1.10, port: 2200, lan: 192.168.1.0/24}
  twin-vpc:docker: {pool: 172.17.0.0/16, swarm_pool: 172.18.0.0/16}
  twin-vpc:segments:
    public: {cidr: 10.0.1.0/24, ssh_ports: 2211-2220}
    private: {cidr: 10.0.2.0/24, ssh_ports: 2221-2230}
"""


def test_a_broken_flow_does_not_shift_the_places_of_those_behind_it(tmp_path: Path) -> None:
    flows = "flows:\n  - 5\n  - {from: public, to: private, services: any}\n  - {from: public, to: x, services: any}\n"
    error = problems_of(tmp_path, {NETWORK: TWO_SEGMENTS + flows, DELL: STACK})
    assert [(p.path, p.line) for p in error.problems] == [("flows[0]", 5), ("flows[2].to", 7)]


def test_a_broken_segment_is_not_called_unknown_elsewhere(tmp_path: Path) -> None:
    text = TWO_SEGMENTS.replace("public: {}", "public: 5") + "flows: [{from: public, to: private, services: any}]\n"
    error = problems_of(tmp_path, {NETWORK: text, DELL: STACK})
    assert [p.path for p in error.problems] == ["segments.public"]


def test_broken_items_of_a_list_do_not_take_a_sound_one_with_them(tmp_path: Path) -> None:
    lan = "lan: 192.168.1.0/24"
    stack = STACK.replace(lan, f'{lan}, uplinks: ["a b", "c d", eno1, br-public]')
    error = problems_of(tmp_path, {NETWORK: TWO_SEGMENTS, DELL: stack})
    assert [p.path for p in error.problems] == ["host.uplinks", "host.uplinks[0]", "host.uplinks[1]"]


def test_a_segment_without_block_is_not_called_missing(tmp_path: Path) -> None:
    stack = STACK.replace("cidr: 10.0.1.0/24, ", "").replace("10.0.2.0", "10.1.2.0")
    error = problems_of(tmp_path, {NETWORK: TWO_SEGMENTS, DELL: stack})
    assert {p.path for p in error.problems} == {"segments.public.cidr", "segments.private.cidr"}


def test_an_unreadable_file_is_one_problem_and_the_other_file_is_still_checked(tmp_path: Path) -> None:
    error = problems_of(tmp_path, {NETWORK: "a: [", DELL: RUINED_DELL})
    assert len([p for p in error.problems if p.file == NETWORK]) == 1
    assert "docker.swarm_pool" in {p.path for p in error.problems if p.file == DELL}


def test_an_unknown_kind_is_guessed_so_that_the_other_keys_are_checked(tmp_path: Path) -> None:
    text = "config: {twin-vpc:kind: azure, twin-vpc:zones: [nowhere], twin-vpc:aws_region: ap-northeast-1}\n"
    told = [p.path for p in problems_of(tmp_path, {AWS: text}, "aws").problems]
    assert sorted(told) == ["environment", "kind", "vpc_cidr", "zones[0]"]


@pytest.mark.parametrize("raw", [None, [], "text", 5, {}])
def test_a_source_that_is_no_mapping_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInputError):
        load(Source("network.yaml", raw), Source("Pulumi.dell.yaml", raw), "dell")
