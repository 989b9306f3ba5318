"""Tells bytecode of this Python from that of another version. Owns the test only; see pickling.py.

cloudpickle sends functions of scripts as bytecode, without saying of which Python. The code
objects of neighbouring versions look alike; running a foreign one mostly ends the process.
"""

from __future__ import annotations

import dis
import opcode
import types
from typing import Any, Dict


class ForeignBytecode(Exception):
    """A function was compiled by another version of Python."""


def _cache_units() -> Dict[int, int]:
    """Opcode -> how many units of cache follow it (since 3.11)."""
    entries = getattr(opcode, "_inline_cache_entries", None)
    if isinstance(entries, dict):  # by name, since 3.13
        return {opcode.opmap[name]: n for name, n in entries.items() if n and name in opcode.opmap}
    return {number: n for number, n in enumerate(entries or ()) if n}


_CACHE_UNITS = _cache_units()
_CACHE = opcode.opmap.get("CACHE")
_RESUME = opcode.opmap.get("RESUME")
_EXTENDED_ARG = dis.EXTENDED_ARG
_KNOWN = frozenset(opcode.opmap.values())
_USES_CONSTS = frozenset(opcode.hasconst)
# Of the others, the argument is more than the position of a name.
_USES_NAMES = frozenset(opcode.hasname) - frozenset(
    opcode.opmap.get(name, -1) for name in ("LOAD_GLOBAL", "LOAD_ATTR", "LOAD_SUPER_ATTR")
)


def _is_native(units: bytes, consts_count: int, names_count: int) -> bool:
    position = 0
    argument = 0
    resumes = 0
    while position + 1 < len(units):
        operation = units[position]
        if operation not in _KNOWN or operation == _CACHE:
            return False
        argument = argument << 8 | units[position + 1]
        if operation in _USES_CONSTS and argument >= consts_count:
            return False
        if operation in _USES_NAMES and argument >= names_count:
            return False
        if operation == _RESUME:
            resumes += 1
        if operation != _EXTENDED_ARG:
            argument = 0
        position += 2
        # `co_code` has zeros where running code has its cache.
        end = position + 2 * _CACHE_UNITS.get(operation, 0)
        if any(units[position:end]):
            return False
        position = end
    return position == len(units) and (_RESUME is None or resumes > 0)


def make_code(*arguments: Any) -> types.CodeType:
    """`types.CodeType(...)`, for arguments that may come from elsewhere.

    A code object that exists does not tell any more: its `co_code` is always well-formed.

    :raises ForeignBytecode: they can't be of this Python
    """
    # Their order is the same since 3.8; CodeType itself checks everything else.
    if len(arguments) > 8 and _KNOWS_THIS_PYTHON:
        units, consts, names = arguments[6:9]
        if (
            isinstance(units, bytes)
            and isinstance(consts, tuple)
            and isinstance(names, tuple)
            and not _is_native(units, len(consts), len(names))
        ):
            name = arguments[11] if len(arguments) > 11 else "a function"
            raise ForeignBytecode(f"the bytecode of {name} is not of this version of Python")
    return types.CodeType(*arguments)


# A later Python may do things differently: no function is refused then.
_KNOWS_THIS_PYTHON = all(
    _is_native(code.co_code, len(code.co_consts), len(code.co_names))
    for code in (_cache_units.__code__, _is_native.__code__, make_code.__code__)
)
