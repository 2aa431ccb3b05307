"""Rules and validators say the same: the schema is never stricter, and refuses what is plainly wrong."""

import re
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinvpc.model import aws, base, libvirt, machines, network
from twinvpc.model.problems import Rejected
from twinvpc.schema.rules import RULES

VALIDATORS: dict[str, Callable[[object], object]] = {
    name: getattr(module, name)
    for module in (base, network, libvirt, machines, aws)
    for name in RULES
    if hasattr(module, name)
}
TEXTUAL = sorted(name for name, rule in RULES.items() if "pattern" in rule or name in {"_services", "_switch"})
WRONG = {
    "_name": ["Public", "web_1", "-a", "a-", "a--b", "1a", "", "a" * 33, "g\u0430st"],
    "_interface": ["", "a" * 16, "-eno1", "eno 1", "br/0"],
    "_network": ["10.0.0.0", "10.0.0.0/33", "10.0.0/24", "256.0.0.0/8", "010.0.0.0/8", "fd00::/8"],
    "_address": ["10.0.0", "10.0.0.256", "10.0.0.1/24", "::1", "10.0.0.01"],
    "_services": ["tcp/", "tcp/443,80", "443", "sctp/9", "TCP/443", "tcp/443-", "tcp/123456"],
    "_switch": ["yes please", "tcp/", "Any"],
    "_domain": ["lab", "Lab.local", ".lab.local", "lab..local", "lab.local.", "-a.b", "a" * 64 + ".b"],
    "_purpose": ["two\nlines", "a" * 201, "bell\a"],
    "_address_range": ["10.0.0.10", "10.0.0.10-50", "10.0.0.10–10.0.0.50", "10.0.0.10-10.0.0.256"],
    "_port_span": ["2201", "2201 - 2210", "2201-221000", "-", "a-b"],
    "_folder": ["data", "/", "/data/../etc", "/data/..", "/with space", "/data;x"],
    "_key_file": ["id", "~root/id", "/a&b=c", "~", "/" + "a" * 200],
    "_server": ["", "-host", "host-", "a b", "fd00::1", "host/x"],
    "_user": ["Root", "1root", "a" * 33, "", "ro ot"],
    "_size": ["2", "2GB", "0 GiB", "1.5 GiB", "2  GiB", "2 gib", "1000000 MiB"],
    "_image_source": ["http://a/b", "https://a/b", "https://", "a.qcow2", "/a/../b", "~/..", "ftp://a/b", "/a b"],
    "_sha256": ["a" * 63, "A" * 64, "sha256:" + "a" * 64, "g" * 64],
    "_public_key": [
        "ssh-dss AAAA",
        "AAAA",
        "ssh-ed25519",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        'command="x" ssh-rsa A',
    ],
    "_region": ["tokyo", "ap-northeast", "AP-northeast-1", "ap-northeast-1a"],
    "_zone": ["1a", "ap-northeast-1", "ap-northeast-1b", "ap-northeast-1A"],
}


def accepts(name: str, value: object) -> bool:
    try:
        VALIDATORS[name](value)
    except Rejected:
        return False
    return True


def fits(name: str, text: str) -> bool:
    """What a JSON Schema validator does with a text and a rule of ours."""
    rule = RULES[name]
    return any(
        len(text) <= one.get("maxLength", len(text))
        and text not in one.get("not", {}).get("enum", [])
        and re.search(one["pattern"], text) is not None
        for one in rule.get("anyOf", [rule])
        if one.get("type") == "string"
    )


def written_key(kind: str, blob: bytes, comment: str) -> str:
    """A public key as `ssh-keygen` writes it."""
    inner = len(kind).to_bytes(4, "big") + kind.encode() + blob
    return f"{kind} {b64encode(inner).decode()} {comment}".rstrip()


ALIKE: dict[str, st.SearchStrategy[str]] = {
    "_public_key": st.builds(written_key, st.sampled_from(machines.KEY_TYPES), st.binary(max_size=40), st.text("a @-")),
}
"""Texts that a pattern alone does not make."""


def texts(name: str) -> st.SearchStrategy[str]:
    rule = RULES[name]
    patterns = [one["pattern"] for one in rule.get("anyOf", [rule]) if one.get("type") == "string"]
    alike = [st.from_regex(pattern, fullmatch=True) for pattern in patterns]
    return st.one_of(
        *alike, ALIKE.get(name, st.nothing()), st.text("ab9052.-/_~ \ttcpudp:A,é٣", max_size=40), st.text(max_size=40)
    )


def test_every_rule_has_its_validator_and_its_wrong_texts() -> None:
    assert VALIDATORS.keys() == RULES.keys()
    assert set(TEXTUAL) == WRONG.keys()


@pytest.mark.parametrize("name", TEXTUAL)
def test_what_a_validator_accepts_fits_its_rule(name: str) -> None:
    seen = {True: 0, False: 0}

    @settings(deadline=None)  # patterns compile at the first text, on a machine that does other things besides
    @given(texts(name))
    def hold(text: str) -> None:
        taken = accepts(name, text)
        seen[taken] += 1
        assert not taken or fits(name, text), text

    hold()
    assert seen[True] >= 5, "the try says something only if some texts are accepted"
    assert seen[False] >= 5


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, some in WRONG.items() for text in some])
def test_what_is_plainly_wrong_fits_neither(name: str, text: str) -> None:
    assert not accepts(name, text)
    assert not fits(name, text)


@given(st.integers(-5, 70000))
def test_ports_of_sshd_are_the_same_to_both(port: int) -> None:
    rule = RULES["_not_22"]
    within = rule["minimum"] <= port <= rule["maximum"] and port != rule["not"]["const"]
    try:
        libvirt.Host.model_validate({"address": "local", "port": port, "lan": "192.168.1.0/24"})
    except ValueError:
        taken = False
    else:
        taken = True
    assert within == taken


def test_examples_are_right() -> None:
    for name in TEXTUAL:
        for one in RULES[name].get("anyOf", [RULES[name]]):
            for example in one.get("examples", ()):
                assert accepts(name, example), f"{name}: {example}"
                assert fits(name, example), f"{name}: {example}"
