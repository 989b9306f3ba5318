"""The module `hyperloom_functions`: functions by their source text or by the name of their module.

Clients that can't pickle Python functions write pickles that call these two. Owns the
cache of compiled sources.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import linecache
import sys
import types
from typing import Any, Dict

import cloudpickle  # type: ignore[import-untyped]

from .failure import PYTHON, FunctionError, describe_exception
from .pickling import SOURCE_MODULE_PREFIX

MODULE_NAME = "hyperloom_functions"
MAX_SOURCES = 256

_sources: Dict[str, types.ModuleType] = {}


def source(text: str, name: str) -> Any:
    """What is called `name` after `text` was executed as a module (once per process).

    :raises FunctionError: the text has an error, or defines no such name
    """
    module = _sources.pop(text, None)
    if module is None:
        module = _execute(text, name)
    _sources[text] = module  # at the end: the least recently used is forgotten
    if len(_sources) > MAX_SOURCES:
        _forget(next(iter(_sources)))
    try:
        return getattr(module, name)
    except AttributeError:
        defined = sorted(key for key in vars(module) if not key.startswith("__"))
        raise FunctionError(
            f"The Python source defines no {name!r}; it defines {', '.join(defined) or 'nothing'}"
        ) from None


def _execute(text: str, name: str) -> types.ModuleType:
    number = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    file_name = f"<source of {name}, {number}>"
    module = types.ModuleType(SOURCE_MODULE_PREFIX + number)
    module.__file__ = file_name
    # Dataclasses and type hints look for the module there; tracebacks for the lines.
    sys.modules[module.__name__] = module
    linecache.cache[file_name] = (len(text), None, text.splitlines(True), file_name)
    try:
        exec(compile(text, file_name, "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, SyntaxError) and error.filename == file_name:
            line = (error.text or "").strip()
            message = (
                f"The Python source of {name!r} has an error in line {error.lineno}: {error.msg}"
                + (f"\n    {line}" if line else "")
                + f"\n(read by the worker's {PYTHON})"
            )
        else:
            message = f"The Python source of {name!r} fails:\n{describe_exception(error)}"
        del linecache.cache[file_name]
        raise FunctionError(message) from None
    # Nobody else can import it: what it defines has to be pickled as a whole.
    cloudpickle.register_pickle_by_value(module)
    return module


def _forget(text: str) -> None:
    module = _sources.pop(text)
    cloudpickle.unregister_pickle_by_value(module)
    sys.modules.pop(module.__name__, None)
    linecache.cache.pop(str(module.__file__), None)


def by_name(name: str) -> Any:
    """What `"package.module:qualified.name"` stands for, imported on the worker.

    :raises FunctionError: there is no such module or attribute
    """
    module_name, colon, qualified_name = name.partition(":")
    if not (module_name and colon and qualified_name):
        raise FunctionError(f"{name!r} names no function: write package.module:function")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(missing + "."):
            reason = f"there is no module {missing!r}"
        else:
            reason = f"it imports {missing!r}, which is not there"
        raise FunctionError(
            f"Python function {name} can't be imported: {reason}. Install it for the "
            f"worker's {PYTHON}, or put its folder on the PYTHONPATH of the worker"
        ) from None
    except BaseException as error:
        raise FunctionError(
            f"Python function {name} can't be imported by the worker's {PYTHON}:\n"
            + describe_exception(error)
        ) from None
    try:
        return functools.reduce(getattr, qualified_name.split("."), module)
    except AttributeError as error:
        origin = getattr(module, "__file__", None) or "built-in"
        raise FunctionError(
            f"Python function {name} is not there: {error} (on the worker it is {origin})"
        ) from None


def install() -> None:
    """Makes `import hyperloom_functions` work in this process."""
    module = types.ModuleType(MODULE_NAME, __doc__)
    for function in (source, by_name):
        function.__module__ = MODULE_NAME
        setattr(module, function.__name__, function)
    sys.modules[MODULE_NAME] = module
