"""The Pulumi engine of the sandbox: command line tool, Python language host, libvirt plugin.

`ensure()` finds or makes one: the official parts where they are installed, else downloaded, else built from
pinned Go modules with the language host of `language/`. What is made lies in the cache, keyed by content.
"""

from sandbox.engine.engine import Engine
from sandbox.engine.ready import ensure

__all__ = ["Engine", "ensure"]
