"""Workers of the provider that are not as they should be."""

import sys


def patched(patch: str) -> tuple[str, ...]:
    """A worker with one thing about it changed."""
    return (sys.executable, "-c", f"import providers.host.worker as worker\n{patch}\nworker.main()")
