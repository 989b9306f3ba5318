"""Tells bytecode of this Python from that of another version. Owns the test only; see pickling.py.

cloudpickle sends functions of scripts as bytecode, without saying of which Python. The code
objects of neighbouring versions look alike; running a foreign one mostly ends the process.
"""

from __future__ import annotations

import dis
import opcode
import types
from typing import Dict


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


def _is_native(code: types.CodeType) -> bool:
    units = code.co_code
    position = 0
    argument = 0
    resumes = 0
    while position < len(units):
        operation = units[position]
        if operation not in _KNOWN or operation == _CACHE:
            return False
        argument = argument << 8 | units[position + 1]
        if operation in _USES_CONSTS and argument >= len(code.co_consts):
            return False
        if operation in _USES_NAMES and argument >= len(code.co_names):
            return False
        if operation == _RESUME:
            resumes += 1
        if operation != _EXTENDED_ARG:
            argument = 0
        position += 2
        # The counters of the cache are 0 in a code object's bytes.
        end = position + 2 * _CACHE_UNITS.get(operation, 0)
        if any(units[position:end]):
            return False
        position = end
    return position == len(units) and (_RESUME is None or resumes > 0)


def check_bytecode(code: types.CodeType) -> None:
    """Looks at a code object and those within it.

    :raises ForeignBytecode: it can't be of this Python
    """
    if not _KNOWS_THIS_PYTHON:
        return
    rest = [code]
    while rest:
        code = rest.pop()
        if not _is_native(code):
            raise ForeignBytecode(
                f"the bytecode of {code.co_name}() is not of this version of Python"
            )
        rest.extend(const for const in code.co_consts if isinstance(const, types.CodeType))


# A later Python may do things differently: no function is refused then.
_KNOWS_THIS_PYTHON = all(
    map(_is_native, (_cache_units.__code__, _is_native.__code__, check_bytecode.__code__))
)
