"""What the models' validators accept, as far as JSON Schema can say it.

A validator is a function and cannot be read; so each has its counterpart here, under its name. A schema is never
stricter than the model: tests hold the two against each other. What needs arithmetic, such as host bits, stays with
`make plan`. `patternErrorMessage` is a keyword of the language servers in editors; validators pass over it.
"""

from collections.abc import Mapping
from typing import Final

from pydantic.json_schema import JsonSchemaValue

from twinvpc.model.aws import CLOSED_ZONES, RETENTIONS
from twinvpc.model.base import LONGEST_INTERFACE, NAME
from twinvpc.model.machines import KEY_TYPES
from twinvpc.model.services import FORMS, HIGHEST_PORT

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS: Final = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_PORT: Final = "[0-9]{1,5}"
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_REGION: Final = "[a-z]{2}(?:-[a-z]+){1,3}-[0-9]"
_SERVICE: Final = f"{NAME.pattern}|(?:tcp|udp)/{_PORT}(?:-{_PORT})?"
_KEY_TYPE: Final = "|".join(kind.replace(".", "[.]") for kind in KEY_TYPES)
_LONGEST_DOMAIN = _LONGEST_TEXT = 200


_SSH_PORT: Final[JsonSchemaValue] = {"type": "integer", "minimum": 1, "maximum": HIGHEST_PORT, "not": {"const": 22}}


def _text(pattern: str, rule: str, *examples: str, longest: int | None = None) -> JsonSchemaValue:
    """A text that matches the whole pattern; editors tell the rule where it does not, and offer the examples."""
    schema: JsonSchemaValue = {"type": "string", "pattern": f"^(?:{pattern})$", "patternErrorMessage": rule}
    if longest is not None:
        schema["maxLength"] = longest
    if examples:
        schema["examples"] = list(examples)
    return schema


def _one_or_more(item: JsonSchemaValue) -> JsonSchemaValue:
    """`x` is short for `[x]`; an empty list says nothing and is refused."""
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


_NAME = _text(NAME.pattern, "A name has a-z, 0-9 and single hyphens, begins with a letter, has at most 32 characters.")
_SERVICES = _one_or_more(
    _text(_SERVICE, f"{FORMS[0].upper()}{FORMS[1:]}.", "any", "icmp", "tcp/443", "udp/5000-5010"),
)

RULES: Mapping[str, JsonSchemaValue] = {
    "_name": _NAME,
    "_interface": _text(
        rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_INTERFACE - 1}}}",
        f"An interface has 1 to {LONGEST_INTERFACE} letters, digits, `_`, `.`, `-`, as `ip link` shows it.",
        "eno1",
    ),
    "_network": _text(
        rf"{_ADDRESS}/(?:3[0-2]|[12][0-9]|[0-9])", "A block is an address and a prefix length.", "10.0.1.0/24"
    ),
    "_address": _text(_ADDRESS, "An address has four numbers from 0 to 255.", "10.0.1.5"),
    "_as_list": _one_or_more(_NAME),
    "_services": _SERVICES,
    "_switch": {"anyOf": [{"type": "boolean"}, *_SERVICES["anyOf"]]},
    "_domain": _text(
        rf"{_LABEL}(?:\.{_LABEL})+",
        "A domain is a lower-case DNS name of at least two labels.",
        "lab.local",
        longest=_LONGEST_DOMAIN,
    ),
    "_purpose": _text(r"[^\u0000-\u001f\u007f]*", "A purpose is one line.", longest=_LONGEST_TEXT),
    "_address_range": _text(
        rf"\s*{_ADDRESS}\s*-\s*{_ADDRESS}\s*",
        "A range is two addresses, the first not above the last.",
        "10.0.0.10-10.0.0.50",
    ),
    "_port_span": _text(f"{_PORT}-{_PORT}", "A range is two ports, the first not above the last.", "2201-2210"),
    "_folder": _text(
        r"(?!(?:.*/)?\.\.(?:/|$))/[A-Za-z0-9_./-]+",
        "A folder is an absolute path of letters, digits, `_`, `.`, `-`, without `..`.",
        "/data/kvm/images",
        longest=_LONGEST_TEXT,
    ),
    "_key_file": _text(
        "~?/[A-Za-z0-9_./-]+",
        "A file begins with `/` or `~/` and has letters, digits, `_`, `.`, `-`.",
        "~/.ssh/id_ed25519",
        longest=_LONGEST_TEXT,
    ),
    "_server": _text(
        "[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?",
        "The host is an IPv4 address, a DNS name, or `local`.",
        "192.168.1.10",
        "local",
        longest=_LONGEST_TEXT,
    ),
    "_user": _text("[a-z_][a-z0-9_-]{0,31}", "A user has a-z, 0-9, `_`, `-`, at most 32 characters.", "root"),
    "_not_22": {**_SSH_PORT, "examples": [2200]},
    "_machine_port": {**_SSH_PORT, "examples": [2211]},
    "_size": _text(
        "[1-9][0-9]{0,5} ?(?:MiB|GiB|TiB)", "A size is a whole number and MiB, GiB or TiB.", "2 GiB", "512 MiB"
    ),
    "_image_source": _text(
        r"(?!(?:.*/)?\.\.(?:/|$))~?/[A-Za-z0-9_./-]+",
        "An image is a file, `/…` or `~/…`; download it first.",
        "/var/lib/images/debian-12.qcow2",
        longest=300,
    ),
    "_sha256": _text("[0-9a-f]{64}", "A digest has 64 characters of 0-9 and a-f; in quotes if all are digits."),
    "_public_key": _text(
        f"(?:{_KEY_TYPE}) [A-Za-z0-9+/]+={{0,2}}(?: [ -~]{{1,200}})?",
        "A key is one line of a `.pub` file. Never a private key.",
        longest=2000,
    ),
    "_retention": {"type": "integer", "enum": list(RETENTIONS)},
    "_region": _text(_REGION, "A region is written in full.", "ap-northeast-1"),
    "_zone": {
        **_text(f"{_REGION}[a-z]", "A zone is written in full, region and letter.", "ap-northeast-1a"),
        "not": {"enum": sorted(CLOSED_ZONES)},
    },
}
"""What each validator of the models accepts, by the validator's name."""
