"""``python3 -m loom.lore DIR``: the report of a trace, as ``loom report`` makes it. Takes the same
arguments; owns nothing but finding that command.
"""

from __future__ import annotations

import subprocess
import sys
from typing import List, Optional

from .client.errors import LoomError
from .cluster import find_command


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs ``loom report``; its exit code, 1 if it was not found.

    Args:
        arguments: those of ``loom report``; default: those of this process.

    Example:
        >>> from loom import lore
        >>> lore.main(["/shared/trace", "-o", "monday.html"])
        /home/me/monday.html
        0
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        command = find_command()
        return subprocess.call([*command, "report", *given])
    except LoomError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{command[0]}: {error.strerror or error}"
    print(f"loom.lore: {problem}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
