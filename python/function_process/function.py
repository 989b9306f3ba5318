"""A function that the worker has defined. Owns its loading at the first call, and the messages when
that fails. Made by inbox.py, called by serve.py.
"""

from __future__ import annotations

import pickle
import pickletools
import types
from typing import Any, Callable, List, Optional

from . import pickling
from .bytecode import ForeignBytecode
from .data import Data, ValueData
from .failure import (
    HEADER,
    PYTHON,
    FunctionError,
    describe_exception,
    exception_line,
    foreign_python_hint,
)
from .protocol import PYOBJ

# What bytecode of other versions leads to, where it isn't found out before.
FOREIGN_SIGNS = (
    "code() ",
    "code expected",
    "bad marshal data",
    "opcode",
    "an integer is required (got type bytes)",
)


def _no_function(*_: Any) -> Any:
    raise AssertionError("called before it was loaded")


class Function:
    """A function under its number, loaded when it is called first."""

    __slots__ = ("_object", "call", "expect_slow", "has_context", "is_simple", "number")

    def __init__(self, number: int, data: Optional[Data]) -> None:
        self.number = number
        self._object = data
        self.call: Callable[..., Any] = _no_function
        self.has_context = False
        # Loaded, and called with the inputs alone.
        self.is_simple = False
        # Before this many calls, results that wait are sent: a call may take long.
        self.expect_slow = 1
        if isinstance(data, ValueData):
            try:
                data.content.view()  # maps a file while it is certainly there
            except OSError:
                pass  # load() says it

    def load(self) -> None:
        """Makes `call` usable.

        :raises FunctionError: it can't be: why, and what to do
        """
        if self.call is not _no_function:
            return
        data = self._object
        if data is None:
            raise FunctionError(f"function {self.number} is not defined in this process")
        if not isinstance(data, ValueData) or data.type != PYOBJ:
            raise FunctionError(
                "The first input of loom/py/call has to be the function, as a Python object "
                f"({PYOBJ}), but is {data!r}"
            )
        function = self._unpickle(data)
        has_context = False
        if isinstance(function, tuple) and len(function) == 2:
            function, has_context = function
        if not callable(function):
            raise FunctionError(
                "The first input of loom/py/call has to be a function or a tuple "
                f"(function, has_context), but is of type {type(function).__name__}"
            )
        self.call = function
        self.has_context = bool(has_context)
        self.is_simple = not has_context
        self._object = None

    def _unpickle(self, data: ValueData) -> Any:
        try:
            content = data.content.view()
        except OSError as error:
            raise FunctionError(f"The Python function can't be read: {error}") from None
        try:
            return pickling.load_checked(content)
        except FunctionError:
            raise
        except BaseException as error:
            raise FunctionError(_explain("Python function", error, content)) from None


def _name_in(content: memoryview) -> str:
    """`module.name` that the pickle refers to first, if it is no machinery of cloudpickle."""
    strings: List[str] = []
    try:
        for operation, argument, _ in pickletools.genops(bytes(content)):
            if operation.name in ("SHORT_BINUNICODE", "BINUNICODE"):
                strings.append(str(argument))
            elif operation.name in ("GLOBAL", "STACK_GLOBAL"):
                name = str(argument).replace(" ", ".") if argument else ".".join(strings[-2:])
                return "" if name.startswith("cloudpickle") else name + " "
    except Exception:
        pass  # it is garbage, which the failure says
    return ""


def _explain(what: str, error: BaseException, content: memoryview) -> str:
    """Why a function can't be unpickled, and what to do."""
    line = str(error) if isinstance(error, ForeignBytecode) else exception_line(error)
    if isinstance(error, ForeignBytecode) or (
        isinstance(error, (TypeError, ValueError, SystemError))
        and any(sign in line for sign in FOREIGN_SIGNS)
    ):
        hint = foreign_python_hint()
    elif isinstance(error, ModuleNotFoundError):
        hint = (
            f"Install {error.name} for the worker's {PYTHON}, or put its folder on the "
            "PYTHONPATH of the worker; or pickle it by value at the client: "
            "cloudpickle.register_pickle_by_value(module)."
        )
    elif isinstance(error, AttributeError):
        hint = (
            "The module which the worker imports is another one, or another version, than the "
            "client's: compare them, and the PYTHONPATH of the worker."
        )
    elif isinstance(error, (pickle.UnpicklingError, EOFError)) or not content.nbytes:
        hint = (
            f"Its {content.nbytes} bytes, which begin with {bytes(content[:12])!r}, are no "
            "pickle; cloudpickle.dumps(...) makes one."
        )
    else:
        hint = (
            "If client and worker use different versions of Python or of a package, use the "
            "same ones."
        )
    text = (
        f"{what} {_name_in(content)}({content.nbytes} bytes) can't be loaded by the worker's "
        f"{PYTHON}: {line}\n{hint}"
    )
    # User code can be involved: a module that fails while it is imported.
    details = describe_exception(error)
    if details.startswith(HEADER):
        text += "\n" + details
    return text


def direct_arguments(config: bytes) -> List[Any]:
    """The arguments in a call's config.

    :raises FunctionError: they can't be unpickled
    """
    try:
        arguments = pickling.load_checked(memoryview(config))
    except FunctionError:
        raise
    except BaseException as error:
        raise FunctionError(_explain("Direct arguments", error, memoryview(config))) from None
    if not isinstance(arguments, (tuple, list)):
        raise FunctionError(
            "The config of loom/py/call has to be a pickled tuple of direct arguments, but is "
            f"of type {type(arguments).__name__}"
        )
    return list(arguments)


def run_coroutine(coroutine: types.CoroutineType[Any, Any, Any]) -> Any:
    """What an `async def` function returns."""
    import asyncio  # takes long

    return asyncio.run(coroutine)
