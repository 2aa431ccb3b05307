"""An engine that is ready, and the environment in which its `pulumi` runs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sandbox.engine.parts import PLUGIN

AWS_VERSION = version("pulumi-aws")
AWS_STAND_IN = Path(__file__).resolve().parents[1] / "aws" / "plugin" / "pulumi-resource-aws"
"""The sandbox's account is a simulated one, so the official plugin is never used here (ADR 49)."""

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the libvirt plugin finds xsltproc and mkisofs, and the host provider ssh."""


@dataclass(frozen=True)
class Engine:
    """A usable engine.

    Attributes:
        bin: folder with `pulumi` and its language host, to be put first on PATH.
        plugin: the libvirt provider's executable.
        way: how it was come by, for a person.
    """

    bin: Path
    plugin: Path
    way: str

    def environment(self, home: Path, backend: Path, passphrase_file: Path) -> Mapping[str, str]:
        """The whole environment for `pulumi`: nothing of this process's own, so no proxy, no credential.

        Creates the folders, and registers the plugin in the home's plugin store: from there the engine takes
        it without the warning that it prints for a plugin on PATH.

        Args:
            home: the user's home as Pulumi and ssh shall see it.
            backend: folder that holds the stacks' states.
            passphrase_file: file with the passphrase of the stacks' secrets; its text stays there.
        """
        pulumi_home = home / ".pulumi"
        _register(pulumi_home / "plugins" / f"resource-libvirt-v{PLUGIN.version}", self.plugin)
        _register(pulumi_home / "plugins" / f"resource-aws-v{AWS_VERSION}", AWS_STAND_IN)
        backend.mkdir(parents=True, exist_ok=True, mode=0o700)
        return {
            "PATH": f"{self.bin}:{SYSTEM_PATH}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # Our language host runs under this Python; the program under what Pulumi.yaml says.
            "VIRTUAL_ENV": sys.prefix,
        }


def _register(folder: Path, program: Path) -> None:
    """A folder of its own with a link in it: the engine does not look into a linked folder."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / program.name
    if link.is_symlink() and link.readlink() == program:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(program)
