"""The official parts, where somebody has installed them."""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox.command import CommandError, run
from sandbox.engine.parts import CLI, PLUGIN, Part
from sandbox.paths import cache_dir, content_key


def present(part: Part) -> Path | None:
    """Folder of an installed part that fits, or none."""
    return _cli(part) if part.program == CLI.program else _plugin(part)


def _cli(part: Part) -> Path | None:
    """A `pulumi` on PATH of the same minor version, with its Python language host beside it."""
    found = shutil.which(part.program)
    if found is None:
        return None
    program = Path(found).resolve()
    if program.is_relative_to(cache_dir().resolve()):
        return None  # ours, on PATH because we run inside an engine's environment
    if not (program.parent / "pulumi-language-python").exists():
        return None
    wanted = part.version.rpartition(".")[0]
    return program.parent if _version(program).removeprefix("v").startswith(f"{wanted}.") else None


def _version(program: Path) -> str:
    """What an installed `pulumi` says it is, remembered: asking takes it half a second."""
    facts = program.stat()
    known = cache_dir() / "engine" / "seen" / content_key(str(program), str(facts.st_mtime_ns), str(facts.st_size))
    if not known.exists():
        try:
            said = run(program, "version", env={"PULUMI_SKIP_UPDATE_CHECK": "true", "PATH": os.defpath}, timeout=20)
        except (CommandError, OSError, subprocess.TimeoutExpired):
            return ""
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(said.strip())
    return known.read_text()


def _plugin(part: Part) -> Path | None:
    """The plugin in Pulumi's own store, as `pulumi plugin install` leaves it."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    folder = home / "plugins" / f"resource-libvirt-v{PLUGIN.version}"
    unfinished = folder.with_name(folder.name + ".partial")
    return folder if (folder / part.program).exists() and not unfinished.exists() else None
