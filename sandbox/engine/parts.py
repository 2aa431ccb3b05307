"""What the engine consists of: two programs, their pinned versions, and what makes a cached one stale."""

import platform
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import content_key

HERE = Path(__file__).resolve().parent


class EngineError(RuntimeError):
    """The engine cannot be had this way; the text names the part, what went wrong and the way out."""


@dataclass(frozen=True)
class Part:
    """One program of the engine.

    Attributes:
        title: what it is called in output.
        version: the pinned version, without `v`.
        program: file name of the executable.
        source: folder with go.mod, go.sum and what is built from them.
        target: the Go package to build, seen from `source`.
        variable: the Go variable that the linker sets to the version.
        value: what it is set to; the command line tool wants a `v` in front, the plugin's protocol none.
    """

    title: str
    version: str
    program: str
    source: Path
    target: str
    variable: str
    value: str

    @property
    def key(self) -> str:
        """Changes with everything that the built program depends on."""
        files = sorted(path for path in self.source.iterdir() if path.suffix in {".mod", ".sum", ".go"})
        recipe = f"{self.program} {self.target} {self.variable}={self.value} {platform.machine()}"
        return content_key(recipe, *(path.name for path in files), *(path.read_bytes() for path in files))


CLI = Part(
    title="pulumi",
    version="3.259.0",
    program="pulumi",
    source=HERE / "cli",
    target="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    value="v3.259.0",
)
"""The command line tool. Same minor as pulumi in requirements.txt: the two speak one protocol."""

PLUGIN = Part(
    title="libvirt plugin",
    version="0.5.4",
    program="pulumi-resource-libvirt",
    source=HERE / "libvirt",
    target=".",
    variable="main.version",
    value="0.5.4",
)
"""The provider. Same version as pulumi_libvirt in requirements.txt, which asks the engine for it."""
