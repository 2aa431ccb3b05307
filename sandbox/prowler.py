"""The scanner prowler, which asks a deployed account, in an environment of its own: it pins boto3."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import pinned
from sandbox.command import run
from sandbox.paths import ROOT

NAME = "prowler"
REQUIREMENTS = ROOT / "requirements-prowler.txt"
_OPTIONS = ("--output-formats", "json-ocsf", "--output-filename", "report", "--no-banner", "--no-color")
_ONCE = ("--aws-retries-max-attempts", "1", "--ignore-exit-code-3", "--log-level", "ERROR")


@dataclass(frozen=True)
class Scan:
    """What prowler has written.

    Attributes:
        report: its findings, as OCSF in JSON.
        errors: what it could not do: place in its code, and its own words.
    """

    report: str
    errors: tuple[tuple[str, str], ...]


def scan(endpoint: str, region: str, what: Sequence[str]) -> Scan:
    """Have prowler look at an account behind one endpoint. It asks nobody else.

    Args:
        endpoint: URL of the account.
        region: the region to look at.
        what: prowler's words for what to look at, as `--service vpc`.

    Raises:
        CommandError: prowler could not be run.
    """
    made = pinned.ensure(NAME, REQUIREMENTS)
    with tempfile.TemporaryDirectory() as room:
        home = Path(room)
        words = ("aws", "--region", region, *what, *_OPTIONS, *_ONCE, "--output-directory", room)
        log = home / "log.jsonl"
        env = _account(home, endpoint, region)
        run(made / "bin/python", "-m", "prowler", *words, "--log-file", log, env=env, cwd=home, timeout=300)
        return Scan((home / "report.ocsf.json").read_text(encoding="utf-8"), _errors(log))


def _account(home: Path, endpoint: str, region: str) -> Mapping[str, str]:
    return {
        **pinned.bare(home),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _errors(log: Path) -> tuple[tuple[str, str], ...]:
    # Words of an entry may go over several lines; an entry is one JSON text after the other all the same.
    decoder, rest, found = (
        json.JSONDecoder(strict=False),
        log.read_text(encoding="utf-8").strip(),
        list[tuple[str, str]](),
    )
    while rest:
        entry, end = decoder.raw_decode(rest)
        found.append((entry["filename"], entry["message"]))
        rest = rest[end:].strip()
    return tuple(found)
