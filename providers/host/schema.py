"""The package schema: what Pulumi's own tools may ask about the resource."""

import json
from collections.abc import Mapping

from providers.host import VERSION
from providers.host.checks import KINDS, REQUIRED

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
_SETTINGS = ("address", "port", "user", "keyFile", "knownHosts", "confirmSeconds")
_NUMBERS = ("port", "confirmSeconds")


def text() -> str:
    """The schema as JSON."""
    inputs: dict[str, Mapping[str, object]] = {name: _TYPES[kind] for name, kind in KINDS.items()}
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
                }
            },
        }
    )
