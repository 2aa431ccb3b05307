"""The commands that judge an AWS stack, run as their user runs them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("network.yaml", "Pulumi.dell.yaml", "Pulumi.aws.yaml", "Pulumi.staging.yaml", "addresses.lock.json")


def tool(*argv: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "graph", *argv]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("stack", ["aws", "staging"])
def test_what_the_program_registers_is_what_is_meant(stack: str) -> None:
    said = tool("prove", "--stack", stack)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"✓ {stack}: intent = graph" in said.stdout


def test_an_open_cell_stands_on_rules_of_both_ends_and_both_ways() -> None:
    said = tool("explain", "public", "database", "tcp/5432", "--stack", "aws").stdout
    assert said.startswith("public → database tcp/5432: open; meant: all\n")
    for words in ("security group groups-public: egress", "security group groups-database: ingress", "(answer)"):
        assert words in said


def test_a_closed_cell_is_told_with_what_stops_it_and_what_would_open_it() -> None:
    said = tool("explain", "database", "public", "tcp/22", "--stack", "aws").stdout
    assert said.startswith("database → public tcp/22: closed; meant: –\n")
    assert "stopped by ENI_SG_RULES_MISMATCH: security group groups-database" in said
    assert "stopped by SUBNET_ACL_RESTRICTION: network ACL acls-public" in said
    assert "would open, 1: " in said
    assert "frozenset" not in said


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("explain", "nobody", "public", "--stack", "aws"), "`nobody` is no node of this stack"),
        (("explain", "public", "database", "tpc/5", "--stack", "aws"), "tpc/5"),
        (("prove", "--stack", "dell"), "stack `dell` is not on AWS; packets prove the Dell"),
        (("prove", "--stack", "aws", "--account", "/nonexistent.json"), "cannot be read as the account's answers"),
    ],
)
def test_what_cannot_be_judged_is_told_in_words(argv: tuple[str, ...], words: str) -> None:
    said = tool(*argv)
    assert said.returncode == 2
    assert words in said.stderr
    assert "Traceback" not in said.stderr


def test_an_account_that_says_too_little_is_not_taken_for_a_sound_one(tmp_path: Path) -> None:
    answers = tmp_path / "account.json"
    answers.write_text(json.dumps({"Vpcs": []}))
    said = tool("prove", "--stack", "aws", "--account", str(answers))
    assert said.returncode == 2
    assert "lack InternetGateways" in said.stderr


def test_a_change_of_the_files_is_told_by_what_it_opens(tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    same = tool("diff", "--from", str(tmp_path), "--stack", "aws")
    assert (same.returncode, same.stdout) == (0, "aws: no cell opens or closes\n")
    text = (tmp_path / "network.yaml").read_text()
    fewer = text.replace("from: private, to: [database, container]", "from: private, to: container")
    assert fewer != text
    (tmp_path / "network.yaml").write_text(fewer)
    said = tool("diff", "--from", str(tmp_path), "--stack", "aws")
    assert said.returncode == 1
    assert said.stdout == "private → database: opens all\n"
