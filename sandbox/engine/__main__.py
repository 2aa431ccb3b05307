"""`python -m sandbox.engine`: makes the engine ready and says in one line which way it went."""

import sys

from sandbox.command import CommandError
from sandbox.engine.parts import EngineError
from sandbox.engine.ready import ensure


def main() -> int:
    """Make the engine ready; the exit code."""
    try:
        engine = ensure()
    except (EngineError, CommandError, OSError) as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("engine: interrupted; nothing half-made is kept", file=sys.stderr)
        return 130
    print(f"engine: {engine.way}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
