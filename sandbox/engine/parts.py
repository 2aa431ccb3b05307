"""What the engine consists of: two programs, their pinned versions, and what makes a cached one stale."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.paths import content_key

HERE = Path(__file__).resolve().parent


class EngineError(RuntimeError):
    """The engine cannot be had this way; the text names the part, what went wrong and the way out."""


@dataclass(frozen=True)
class Mend:
    """Faults of a module that our builds mend; the official program still has them.

    Attributes:
        module: its path, pinned in go.mod.
        file: the file, seen from the module's folder.
        changes: each text to replace, which stands there once, and what takes its place.
    """

    module: str
    file: str
    changes: Mapping[str, str]


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
        mends: faults of its modules that the build mends.
    """

    title: str
    version: str
    program: str
    source: Path
    target: str
    variable: str
    value: str
    mends: tuple[Mend, ...] = ()

    @property
    def key(self) -> str:
        """Changes with everything that the built program depends on."""
        files = sorted(path for path in self.source.iterdir() if path.suffix in {".mod", ".sum", ".go"})
        recipe = f"{self.program} {self.target} {self.variable}={self.value} {platform.machine()} {self.mends}"
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

_STREAM = Mend(
    module="github.com/digitalocean/go-libvirt",
    file="rpc.go",
    changes={
        "\tc := make(chan response)\n": "\tc := make(chan response, 1)\n",
        """\tresp, err := l.getResponse(c)
	if err != nil {
		return resp, err
	}

	if out != nil {
""": """\tresp, err := l.getResponse(c)
	ended := false
	for err == nil && in != nil && resp.Status == socket.StatusContinue {
		ended = len(resp.Payload) == 0
		if _, err = in.Write(resp.Payload); err == nil {
			resp, err = l.getResponse(c)
		}
	}
	if err != nil {
		return resp, err
	}

	if out != nil {
""",
        "\tswitch in {\n\tcase nil:\n": "\tswitch {\n\tcase in == nil || ended:\n",
    },
)
"""How a machine's seed is read back. libvirtd may send a stream's first data before it answers the call that asked for
them (remote_daemon_stream.c, daemonAddClientStream); go-libvirt takes them for the answer, and the answer for the
stream's end: `corrupted-image: EOF`. What is sent afterwards, or after the last data, finds nobody who waits; then
go-libvirt keeps a lock for good, and the plugin hangs (digitalocean/go-libvirt issue 241)."""

PLUGIN = Part(
    title="libvirt plugin",
    version="0.5.4",
    program="pulumi-resource-libvirt",
    source=HERE / "libvirt",
    target=".",
    variable="main.version",
    value="0.5.4",
    mends=(_STREAM,),
)
"""The provider. Same version as pulumi_libvirt in requirements.txt, which asks the engine for it."""
