"""What is mounted on this machine, as the kernel lists it."""

from pathlib import Path

from sandbox.command import run


def points() -> list[Path]:
    """Every mount point this process sees, in the order they were mounted.

    Not `Path.is_mount`: that takes a folder mounted over itself, as iproute2 does with its namespaces, for none.
    """
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [Path(line.split()[4]) for line in lines]


def clear_below(folder: Path) -> None:
    """Unmount whatever is mounted at or below a folder, the last first."""
    for point in reversed(points()):
        if point.is_relative_to(folder):
            run("umount", "--lazy", point)
