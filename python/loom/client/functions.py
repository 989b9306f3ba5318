"""Python functions as tasks: ``py_task``, ``py_call``, ``py_value``. Owns how a function and its
direct arguments travel; it runs on the workers. Part of ``tasks``.
"""

from __future__ import annotations

import functools
import types
import weakref
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple, Union, overload

from . import pickles
from .errors import LoomError
from .future import BaseFuture
from .resources import ResourceRequest, cpu1
from .task import Task

_MISSING = object()


def py_value(obj: object) -> Task:
    """A task whose result is the object (pickled here, at once).

    Functions get it by ``unwrap()``, the client as it is.

    Raises:
        LoomError: it can't be pickled.

    Example:
        >>> tasks.py_call(len_of_list, [tasks.py_value([1, 2, 3])])
    """
    return Task("loom/py/value", (), pickles.dumps(obj, f"the {type(obj).__name__}"))


def py_call(
    fn: Union[Task, BaseFuture, Callable[..., Any]],
    inputs: Union[Iterable[Any], Task, BaseFuture] = (),
    direct_args: Iterable[Any] = (),
    request: Optional[ResourceRequest] = cpu1,
    *,
    priority: int = 0,
    expected_ms: Optional[float] = None,
    expected_bytes: Optional[float] = None,
) -> Task:
    """A task that calls a Python function on a worker: ``fn(*direct_args, *inputs)``.

    Args:
        fn: the function, or a task or future whose result it is.
        inputs: tasks and futures. The function gets data objects (``read()``, ``size()``,
            ``unwrap()``, ...).
        direct_args: objects that are pickled into the task.
        request: what it holds while it runs; default: one core.
        priority: of the tasks that could start, those with a higher one come first; -100 to 100.
        expected_ms: milliseconds that it will take, as you expect; default: unknown.
        expected_bytes: size of its result, as you expect; default: unknown.

    Raises:
        LoomError: the function or an argument can't be pickled.

    Example:
        >>> def count(prefix, a):
        ...     return prefix + str(len(a.read()))
        >>> tasks.py_call(count, [tasks.open("words.txt")], direct_args=("bytes: ",))
    """
    name: Optional[str] = None
    function_task: Any
    if isinstance(fn, PyTask):
        function_task = fn.function_task()
        name = fn.label
    elif isinstance(fn, (Task, BaseFuture)):
        function_task = fn
    elif callable(fn):
        function_task = _function_task(fn)
        name = _name_of(fn)
    else:
        raise LoomError(
            f"py_call needs a function, or a task or future of one, got {type(fn).__name__}"
        )
    given = (inputs,) if isinstance(inputs, (Task, BaseFuture)) else tuple(inputs)
    config = _pickle_arguments(tuple(direct_args), name or "function")
    return Task(
        "loom/py/call",
        (function_task, *given),
        config,
        request,
        label=name,
        priority=priority,
        expected_ms=expected_ms,
        expected_bytes=expected_bytes,
    )


@overload
def py_task(label: Callable[..., Any]) -> PyTask: ...


@overload
def py_task(
    label: Optional[str] = None,
    request: Optional[ResourceRequest] = cpu1,
    context: bool = False,
    n_direct_args: int = 0,
    *,
    priority: int = 0,
    expected_ms: Optional[float] = None,
    expected_bytes: Optional[float] = None,
) -> Callable[[Callable[..., Any]], PyTask]: ...


def py_task(
    label: Union[Callable[..., Any], str, None] = None,
    request: Optional[ResourceRequest] = cpu1,
    context: bool = False,
    n_direct_args: int = 0,
    *,
    priority: int = 0,
    expected_ms: Optional[float] = None,
    expected_bytes: Optional[float] = None,
) -> Any:
    """Decorator: makes a function a maker of tasks that call it on a worker.

    The first ``n_direct_args`` arguments of a call are any objects, which are pickled; the others
    are inputs: tasks, futures, and bytes or str, which become constants. See :class:`PyTask`.

    Args:
        label: label of the tasks; default: the function's name.
        request: what a task holds while it runs; default: one core.
        context: the function's first argument is the context (``task_id``, ``wrap(obj)``,
            ``log_info(message)``, ...).
        n_direct_args: how many of its arguments are direct.
        priority: of the tasks that could start, those with a higher one come first; -100 to 100.
        expected_ms: milliseconds that it will take, as you expect; default: unknown.
        expected_bytes: size of its result, as you expect; default: unknown.

    Example:
        >>> @tasks.py_task(context=True, n_direct_args=1)
        ... def repeat(ctx, n, a):
        ...     ctx.log_info("repeating")
        ...     return a.read() * n
        >>> client.submit_one(repeat(3, tasks.const("ABC"))).gather()
        b'ABCABCABC'
    """
    if callable(label):
        return PyTask(label)
    if label is not None and not isinstance(label, str):
        raise LoomError(f"the label of py_task must be a string, got {type(label).__name__}")

    def decorate(fn: Callable[..., Any]) -> PyTask:
        return PyTask(
            fn, label, request, context, n_direct_args, priority, expected_ms, expected_bytes
        )

    return decorate


class PyTask:
    """A function decorated by :func:`py_task`: calling it makes a task.

    It is pickled when it is first called, together with the values of the global variables and the
    enclosing scope that it uses (what belongs to importable modules is only named, and imported on
    the worker), and sent once per plan. It is pickled anew when one of these names has come to
    mean another object; a change *inside* an object (appending to a list) is not noticed.

    Attributes:
        fn: the plain function.
        label: label of its tasks.
        request: what a task holds while it runs.
        context: whether the function gets the context.
        n_direct_args: how many of its arguments are direct.
        priority: see the attribute of tasks; so for the others.

    Example:
        >>> @tasks.py_task
        ... def upper(a):
        ...     return a.read().upper()
        >>> upper(tasks.const("abc"))
        <Task 'upper' loom/py/call, 2 inputs>
        >>> upper.fn
        <function upper at ...>
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        label: Optional[str] = None,
        request: Optional[ResourceRequest] = cpu1,
        context: bool = False,
        n_direct_args: int = 0,
        priority: int = 0,
        expected_ms: Optional[float] = None,
        expected_bytes: Optional[float] = None,
    ) -> None:
        if not callable(fn):
            raise LoomError(f"py_task decorates functions, got {type(fn).__name__}")
        if not isinstance(n_direct_args, int) or n_direct_args < 0:
            raise LoomError(f"n_direct_args must be an integer from 0 up, got {n_direct_args!r}")
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.label = _name_of(fn) if label is None else label
        self.request = request
        self.context = context
        self.n_direct_args = n_direct_args
        self.priority = priority
        self.expected_ms = expected_ms
        self.expected_bytes = expected_bytes
        self._pickled: Optional[_PickledFunction] = None

    def __call__(self, *args: Any) -> Task:
        """Makes a task; nothing is called here.

        Raises:
            LoomError: too few arguments, an input that is neither task nor future, or something
                that can't be pickled.
        """
        count = self.n_direct_args
        if len(args) < count:
            raise LoomError(
                f'"{self.label}" has {count} direct arguments, got only {len(args)} arguments'
            )
        inputs = [self.function_task()]
        for i in range(count, len(args)):
            inputs.append(self._input(args[i], i))
        config = _pickle_arguments(args[:count], self.label)
        return Task(
            "loom/py/call",
            inputs,
            config,
            self.request,
            label=self.label,
            priority=self.priority,
            expected_ms=self.expected_ms,
            expected_bytes=self.expected_bytes,
        )

    def _input(self, given: Any, position: int) -> Any:
        if isinstance(given, (Task, BaseFuture)):
            return given
        if isinstance(given, (bytes, str)):
            return Task("loom/data/const", (), given)
        if hasattr(given, "unwrap"):  # on a worker: one of the function's own inputs
            return given
        raise LoomError(
            f'argument {position + 1} of "{self.label}" is a {type(given).__name__}, but must be a '
            "task, a future, bytes or str; pass it as a direct argument (n_direct_args) or as "
            "tasks.py_value(...)"
        )

    def function_task(self) -> Task:
        """The task whose result is the function."""
        pickled = self._pickled
        if pickled is None or pickled.is_stale():
            pickled = self._pickled = _PickledFunction(self.fn, self.context, self.label)
        return pickled.task

    # What is cached stays here; functions that call each other's tasks are pickled with them.
    def __reduce__(self) -> Tuple[Any, ...]:
        return PyTask, (
            self.fn,
            self.label,
            self.request,
            self.context,
            self.n_direct_args,
            self.priority,
            self.expected_ms,
            self.expected_bytes,
        )

    def __repr__(self) -> str:
        return f"<py_task {self.label!r}>"


class _PickledFunction:
    """A function as a task of type loom/py/value, and what it was when it was pickled."""

    __slots__ = ("_used", "task")

    def __init__(self, fn: Callable[..., Any], context: bool, name: str) -> None:
        self._used = _used_objects(fn)
        content = pickles.dumps((fn, True) if context else fn, f'the function "{name}"')
        self.task = Task("loom/py/value", (), content, label=f"function {name}")

    def is_stale(self) -> bool:
        """Whether a name that it uses means something else now."""
        for names, name, value in self._used:
            if names.get(name, _MISSING) is not value:
                return True
        return False


class _Cell:
    """A variable of an enclosing scope, looked up like a global one."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def get(self, name: str, default: object) -> object:
        try:
            value: object = self._cell.cell_contents
            return value
        except ValueError:  # deleted, or not yet assigned
            return default


def _used_objects(fn: object) -> List[Tuple[Any, str, object]]:
    """(where, name, object) of what a function refers to, and of the functions beside it."""
    used: List[Tuple[Any, str, object]] = []
    seen = set()
    to_do = [fn]
    while to_do:
        function = to_do.pop()
        if isinstance(function, PyTask):
            function = function.fn
        if not isinstance(function, types.FunctionType) or id(function) in seen:
            continue
        seen.add(id(function))
        here = function.__globals__
        found: List[Tuple[Any, str, object]] = [
            (here, name, here[name]) for name in _global_names(function) if name in here
        ]
        cells = map(_Cell, function.__closure__ or ())
        found += [(cell, "", cell.get("", _MISSING)) for cell in cells]
        # Itself is left out: a recursive function would keep itself alive.
        found = [each for each in found if each[2] is not fn]
        used += found
        to_do += [
            value
            for _, _, value in found
            if isinstance(value, PyTask)
            or (isinstance(value, types.FunctionType) and value.__globals__ is here)
        ]
    return used


def _global_names(function: types.FunctionType) -> Sequence[str]:
    names: List[str] = []
    codes = [function.__code__]
    while codes:
        code = codes.pop()
        names += code.co_names
        codes += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return names


_functions: weakref.WeakKeyDictionary[Any, _PickledFunction] = weakref.WeakKeyDictionary()


def _function_task(fn: Callable[..., Any]) -> Task:
    """The task whose result is the function; the same one while the function is the same."""
    try:
        pickled = _functions.get(fn)
        if pickled is None or pickled.is_stale():
            pickled = _functions[fn] = _PickledFunction(fn, False, _name_of(fn))
        return pickled.task
    except TypeError:  # neither hashable nor weakly referable
        return _PickledFunction(fn, False, _name_of(fn)).task


def _name_of(fn: object) -> str:
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def _pickle_arguments(args: Tuple[Any, ...], name: str) -> bytes:
    if not args:
        return b""
    try:
        return pickles.dumps(args, f'a direct argument of "{name}"')
    except LoomError:
        # Which one is it?
        for number, each in enumerate(args, 1):
            what = f'direct argument {number} of "{name}", a {type(each).__name__},'
            pickles.dumps(each, what)
        raise
