"""Where the sandbox keeps things: a cache shared by all checkouts, and one state folder per checkout."""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""This checkout."""


def cache_dir() -> Path:
    """Folder for what is expensive and keyed by content: engine, plugins, host image.

    `TWIN_VPC_CACHE` wins, then `XDG_CACHE_HOME/twin-vpc`, then `~/.cache/twin-vpc`. Created if missing.
    """
    named = os.environ.get("TWIN_VPC_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twin-vpc"
    path = Path(named) if named else base
    path.mkdir(parents=True, exist_ok=True)
    return path


def checkout_id() -> str:
    """Eight hex digits that tell this checkout's namespaces, links and folders from another's."""
    return hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]


def state_dir() -> Path:
    """Folder of this checkout's running sandbox (keys, Pulumi state, host tree), mode 0700. Created if missing."""
    path = cache_dir() / "state" / checkout_id()
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def content_key(*parts: str | bytes) -> str:
    """Sixteen hex digits over all parts, for cache folders that must change when their recipe does."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
