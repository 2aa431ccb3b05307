"""Read zone and policy files as firewalld would, which itself skips what it cannot read and tells its log only.

Argument: a folder with `zones/` and `policies/`. Exit code 1, with file and reason, when one is refused.
"""

import importlib
import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for kind, module, reader in (("zones", "zone", "zone_reader"), ("policies", "policy", "policy_reader")):
    read = getattr(importlib.import_module(f"firewall.core.io.{module}"), reader)
    for file in sorted((root / kind).glob("*.xml")):
        try:
            read(file.name, str(file.parent))
        except Exception as error:  # noqa: BLE001 - FirewallError, and whatever the XML parser raises
            sys.exit(f"{file.name}: {error}")
