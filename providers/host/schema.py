"""The package schema: what Pulumi's own tools may ask about the resource."""

import json
from collections.abc import Mapping

from providers.host import VERSION
from providers.host.checks import KINDS, REQUIRED
from providers.host.sshd import INPUTS as SSHD

_TEXT: Mapping[str, object] = {"type": "string"}
_TYPES: Mapping[str, Mapping[str, object]] = {
    "text": _TEXT,
    "list of texts": {"type": "array", "items": _TEXT},
    "map of texts": {"type": "object", "additionalProperties": _TEXT},
}
OUTPUTS: Mapping[str, Mapping[str, object]] = {
    "uplinksInForce": _TYPES["list of texts"],
    "firewalld": {"type": "boolean"},
    "ipForwardBefore": _TEXT,
    "kernel": _TEXT,
    "service": _TEXT,
}
"""What only the host can tell, beside the inputs."""
_ANY_BY_NAME: Mapping[str, object] = {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}
_WATCHED: dict[str, Mapping[str, object]] = {
    "networks": _ANY_BY_NAME,
    "pools": _ANY_BY_NAME,
    "uplinks": _TYPES["list of texts"],
}
_SETTINGS = ("address", "port", "user", "keyFile", "knownHosts", "confirmSeconds")
_NUMBERS = ("port", "confirmSeconds")


def text() -> str:
    """The schema as JSON."""
    inputs: dict[str, Mapping[str, object]] = {name: _TYPES[kind] for name, kind in KINDS.items()}
    sshd: dict[str, Mapping[str, object]] = {name: _TYPES[kind] for name, kind in SSHD.items()}
    settings = {name: {"type": "integer"} if name in _NUMBERS else _TEXT for name in _SETTINGS}
    return json.dumps(
        {
            "name": "twin-host",
            "version": VERSION,
            "config": {"variables": settings},
            "provider": {"inputProperties": settings, "requiredInputs": ["address"]},
            "resources": {
                "twin-host:index:NetworkPolicy": {
                    "description": "The network policy of one host, in force and kept so.",
                    "inputProperties": inputs,
                    "requiredInputs": list(REQUIRED),
                    "properties": {**inputs, **OUTPUTS},
                    "required": [*inputs, *OUTPUTS],
                },
                "twin-host:index:NetworkWatch": {
                    "description": "libvirt's networks and pools of one host, looked at on every run and kept so.",
                    "inputProperties": _WATCHED,
                    "requiredInputs": list(_WATCHED),
                    "properties": _WATCHED | {"health": _TYPES["map of texts"]},
                    "required": [*_WATCHED, "health"],
                },
                "twin-host:index:SshServer": {
                    "description": "The sshd of one host: keys alone, and ports of its own.",
                    "inputProperties": sshd,
                    "requiredInputs": list(sshd),
                    "properties": sshd | {"state": _TEXT},
                    "required": [*sshd, "state"],
                },
            },
        }
    )
