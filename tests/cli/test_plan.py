"""The owner's tool, run as its user runs it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.machines import with_machines

ROOT = Path(__file__).resolve().parents[2]
FILES = ("network.yaml", "Pulumi.dell.yaml", "Pulumi.aws.yaml", "Pulumi.staging.yaml", "addresses.lock.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def tool(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "twinvpc.cli", *argv, "--root", str(folder)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text, "the edit must hit something"
    (folder / name).write_text(text.replace(old, new))


def test_plan_shows_every_stack_with_its_addresses_and_matrix(folder: Path) -> None:
    shown = tool(folder, "plan")
    assert shown.returncode == 0, shown.stderr
    for word in ("stack aws", "stack dell", "10.0.3.0/24", "ap-northeast-1c", "static only", "2261-2280"):
        assert word in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80, "fits a terminal of 80 columns"


def test_plan_as_json_names_every_cell(folder: Path) -> None:
    data = json.loads(tool(folder, "plan", "--json").stdout)
    cells = data["dell"]["cells"]
    assert len(cells) == 81, "nine nodes, every ordered pair"
    assert cells["public → database"] == "all"
    assert cells["database → public"] == "–"
    assert cells["lan → internet"] == "foreign"
    assert cells["management → host"] == "icmp tcp/53 tcp/2200 udp/53 udp/67"
    assert data["aws"]["blocks"]["public/ap-northeast-1a"] == "10.0.1.0/24"


def test_mistakes_in_both_files_are_told_at_once_and_nothing_is_written(folder: Path) -> None:
    edit(folder, "network.yaml", "from: public", "from: pubic")
    edit(folder, "Pulumi.dell.yaml", "10.0.3.0/24", "10.0.2.128/25")
    edit(folder, "Pulumi.aws.yaml", "ap-northeast-1c]", "ap-northeast-1b]")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for command in ("plan", "lock-addresses"):
        told = tool(folder, command)
        assert told.returncode == 2
        assert "Traceback" not in told.stderr + told.stdout
        for word in ("pubic", "10.0.2.128/25", "ap-northeast-1b", "do:", "rule:"):
            assert word in told.stderr, f"{command} names {word}"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_new_segment_is_recorded_and_a_second_run_says_nothing_new(folder: Path) -> None:
    edit(folder, "network.yaml", "  container:", "  guests: {purpose: visitors}\n  container:")
    line = "    guests: {cidr: 10.0.9.0/24, ssh_ports: 2281-2290}\n"
    edit(folder, "Pulumi.dell.yaml", "    container:", line + "    container:")
    assert "make lock-addresses" in tool(folder, "plan").stdout
    first = tool(folder, "lock-addresses")
    assert "dell: guests: new → 10.0.9.0/24" in first.stdout
    assert "aws: guests/ap-northeast-1a: new →" in first.stdout
    assert "nothing new" in tool(folder, "lock-addresses").stdout


def test_a_block_that_would_move_is_refused_with_both_names(folder: Path) -> None:
    edit(folder, "Pulumi.dell.yaml", "public: {cidr: 10.0.1.0/24, dhcp: 10.0.1.100-10.0.1.200",
         "public: {cidr: 10.0.9.0/24, dhcp: 10.0.9.100-10.0.9.200")  # fmt: skip
    told = tool(folder, "plan")
    assert told.returncode == 2
    assert "`public` would move from 10.0.1.0/24 to 10.0.9.0/24" in told.stderr


def test_a_segment_that_is_gone_leaves_a_tombstone(folder: Path) -> None:
    for name in ("network.yaml", "Pulumi.dell.yaml"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(line for line in lines if not line.strip().startswith("container:")))
    edit(folder, "network.yaml", ", container]", "]")
    edit(folder, "Pulumi.aws.yaml", ", container: none}", "}")
    edit(folder, "Pulumi.staging.yaml", ", container: none}", "}")
    edit(folder, "Pulumi.staging.yaml", "    container: {ap-northeast-1a: 10.0.0.0/24}\n", "")
    assert "dell: container: 10.0.4.0/24 → tombstone" in tool(folder, "lock-addresses").stdout
    lock = json.loads((folder / "addresses.lock.json").read_text())
    assert lock["stacks"]["dell"]["removed"] == {"container": "10.0.4.0/24"}


def test_the_check_is_silent_while_every_address_is_recorded_and_fails_when_one_is_not(folder: Path) -> None:
    fine = tool(folder, "plan", "--check")
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "", "")
    edit(folder, "network.yaml", "  container:", "  guests: {purpose: visitors}\n  container:")
    line = "    guests: {cidr: 10.0.9.0/24, ssh_ports: 2281-2290}\n"
    edit(folder, "Pulumi.dell.yaml", "    container:", line + "    container:")
    told = tool(folder, "plan", "--check")
    assert told.returncode == 1
    assert "make lock-addresses" in told.stderr


def test_plan_shows_machines_with_what_they_take_and_warns_of_most_of_the_memory(folder: Path) -> None:
    assert "machines" not in tool(folder, "plan").stdout, "a stack without machines says nothing of them"
    (folder / "Pulumi.dell.yaml").write_text(with_machines(("memory: 2 GiB", "memory: 9 GiB")))
    shown = tool(folder, "plan")
    assert shown.returncode == 0, shown.stderr
    said = " ".join(shown.stdout.split())
    for words in (
        "web-1 public 10.0.1.10 2211 2 9 GiB 20 GiB 50 GiB",
        "2 of 8 machines, 6 of 8 vCPU, 17 GiB of 24 GiB",
    ):
        assert words in said
    assert "17 GiB of memory, 70 % of 24 GiB" in said
    assert max(map(len, shown.stdout.splitlines())) <= 80, "fits a terminal of 80 columns"
    data = json.loads(tool(folder, "plan", "--json").stdout)
    assert data["dell"]["machines"]["db-1"]["mac"] == "52:54:00:00:03:0a"


def test_a_stack_whose_file_is_lost_is_missed(folder: Path) -> None:
    (folder / "Pulumi.dell.yaml").unlink()
    told = tool(folder, "plan")
    assert told.returncode == 2
    for word in ("Pulumi.dell.yaml", "there is no such file", "records addresses of stack `dell`", "restore it"):
        assert word in told.stderr
    assert tool(folder, "plan", "--stack", "aws").returncode == 0, "the other one can still be asked for"


def test_plan_shows_what_a_stack_denies_by_choice(folder: Path) -> None:
    shown = " ".join(tool(folder, "plan", "--stack", "aws").stdout.split())
    assert "(–): permitted by network.yaml, denied by the stack's choice: egress.container: none" in shown
    data = json.loads(tool(folder, "plan", "--json").stdout)
    assert data["aws"]["declared"]["database → internet"] == "egress.database: none"
    assert data["aws"]["cells"]["database → internet"] == "–"
    assert data["dell"]["declared"] == {}


def test_plan_refuses_what_aws_would(folder: Path) -> None:
    edit(folder, "Pulumi.aws.yaml", "  twin-vpc:log_ret", "  twin-vpc:quotas: {subnets: 9}\n  twin-vpc:log_ret")
    told = tool(folder, "plan")
    assert told.returncode == 2
    assert "10 subnets" in told.stderr
    assert "the account has room for 9" in told.stderr


def test_plan_shows_what_a_stack_costs_and_what_the_other_ways_out_would(folder: Path) -> None:
    shown = tool(folder, "plan").stdout
    assert "price: 0.00 USD a month to AWS" in shown, "the Dell"
    assert shown.count("price a month in USD: ap-northeast-1") == 2, "aws and staging"
    assert re.search(r"^  private +\* 0\.79 +82\.56 +50\.42 +99\.23$", shown, re.MULTILINE)
    edit(folder, "Pulumi.aws.yaml", "private: none", "private: endpoints")
    assert tool(folder, "lock-addresses").returncode == 0
    assert re.search(r"^  private +0\.79 +\* 82\.56 +50\.42", tool(folder, "plan").stdout, re.MULTILINE)


def test_plan_as_json_has_the_price_with_its_sources(folder: Path) -> None:
    edit(folder, "Pulumi.aws.yaml", "  twin-vpc:log_ret", "  twin-vpc:usage: {flow_logs_gb: 100}\n  twin-vpc:log_ret")
    data = json.loads(tool(folder, "plan", "--json").stdout)
    price = data["aws"]["price"]
    assert price["total"] == "79.25", "100 GB for 0.76, and 98.63 GB kept for 0.033"
    assert {line["what"]: line["usd"] for line in price["lines"]}["flow logs, kept 30 days"] == "3.25"
    assert price["usage"]["flow_logs_gb"] == 100
    assert price["egress"]["private"]["chosen"] == "none"
    assert price["egress"]["private"]["totals"]["endpoints"] == "161.02"
    assert all(line["source"].startswith("https://aws.amazon.com/") for line in price["lines"])
    assert data["dell"]["price"] == {"currency": "USD", "total": "0.00", "lines": []}
    assert json.loads(tool(folder, "cost", "--json").stdout)["aws"] == price


def test_the_cost_names_the_source_of_every_price(folder: Path) -> None:
    shown = tool(folder, "cost", "--stack", "aws").stdout
    assert shown.startswith("stack aws (aws)\nprice a month in USD")
    assert "  nat: 0.062 USD per h, https://aws.amazon.com/vpc/pricing/\n    read in https://" in shown
    assert "sources" not in tool(folder, "cost", "--stack", "dell").stdout


def test_a_region_without_prices_is_planned_and_says_so(folder: Path) -> None:
    for old, new in (("ap-northeast-1a", "eu-west-1a"), ("aws_region: ap-northeast-1", "aws_region: eu-west-1")):
        edit(folder, "Pulumi.staging.yaml", old, new)
    (folder / "addresses.lock.json").unlink()
    shown = tool(folder, "plan", "--stack", "staging")
    assert shown.returncode == 0, shown.stderr
    assert "price: none is known for eu-west-1; it is not guessed" in shown.stdout
    assert json.loads(tool(folder, "cost", "--stack", "staging", "--json").stdout)["staging"]["total"] is None
