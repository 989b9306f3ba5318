"""The task that runs a program. Owns the mapping of arguments, inputs and outputs to the config of
loom/run/run. Part of ``tasks``.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import wire
from .errors import LoomError
from .future import BaseFuture
from .plan import milliseconds
from .resources import ResourceRequest, cpu1
from .task import Task

TaskLike = Union[Task, BaseFuture]
Pair = Union[Tuple[TaskLike, str], Tuple[str, TaskLike]]
NamedInputs = Union[Mapping[str, TaskLike], Iterable[Pair]]
Argument = Union[str, bytes, "os.PathLike[str]"]


def run(
    args: Union[str, Sequence[Argument]],
    inputs: NamedInputs = (),
    outputs: Union[Sequence[Optional[str]], str] = ("+out",),
    stdin: Optional[TaskLike] = None,
    variables: Optional[NamedInputs] = None,
    env: Optional[Mapping[str, str]] = None,
    request: Optional[ResourceRequest] = cpu1,
    *,
    time_limit: Optional[float] = None,
    success_codes: Iterable[int] = (),
    keep_directory: bool = False,
    label: Optional[str] = None,
    priority: int = 0,
    expected_ms: Optional[float] = None,
    expected_bytes: Optional[float] = None,
) -> Task:
    """A task that runs a program in a fresh working directory.

    Args:
        args: the program and its arguments; a string is split like a shell does (quotes, but no
            expansion of any kind).
        inputs: what the program finds in its directory: pairs of a task (or future) and a file
            name, in either order, or a dict of tasks by name. A name that begins with ``$`` is a
            variable: an argument that is exactly this name is replaced by the input's content.
        outputs: what the result consists of: names of files that the program leaves in its
            directory; ``"+out"`` or None is standard output. One: bytes. Several: a list of them.
        stdin: the program's standard input; default: empty.
        variables: more variables, with or without ``$``.
        env: environment variables, in addition to the worker's.
        request: what it holds while it runs; default: one core.
        time_limit: the program is killed after so many seconds; default: no limit.
        success_codes: exit statuses that count as success; default: only 0.
        keep_directory: keep the working directory, to look into it.
        label: the task's label.
        priority: of the tasks that could start, those with a higher one come first; -100 to 100.
        expected_ms: milliseconds that it will take, as you expect; default: unknown.
        expected_bytes: size of its result, as you expect; default: unknown.

    Example:
        >>> tasks.run("sort -u", stdin=tasks.open("words.txt"))
        >>> tasks.run(["cc", "-o", "a.out", "main.c"], [(source, "main.c")], ["a.out"])
        >>> tasks.run("seq $n", [(tasks.const("10"), "$n")])
    """
    words = _words(args)
    command = " ".join(words)
    mapped: Dict[str, Any] = {}

    def add(name: str, task: Any) -> None:
        if name in mapped:
            raise _wrong(command, f"input {name!r} is given twice")
        mapped[name] = task

    if stdin is not None:
        add("+in", stdin)
    for name, task in _pairs(inputs, command):
        if name.startswith("$"):
            _check_variable(name, command)
        elif name != "+in":
            _check_file_name(name, command)
        add(name, task)
    for name, task in _pairs(() if variables is None else variables, command):
        name = name if name.startswith("$") else f"${name}"
        _check_variable(name, command)
        add(name, task)

    names = [outputs] if isinstance(outputs, str) or outputs is None else list(outputs)
    results = ["+out" if name is None else name for name in names]
    for name in results:
        if name != "+out":
            _check_file_name(name, command)

    config = [wire.text_field(1, word) for word in words]
    config += [wire.text_field(2, name) for name in mapped]
    config += [wire.text_field(3, name) for name in results]
    config += _extensions(command, env, time_limit, success_codes, keep_directory)
    return Task(
        "loom/run/run",
        mapped.values(),
        b"".join(config),
        request,
        label=label,
        priority=priority,
        expected_ms=expected_ms,
        expected_bytes=expected_bytes,
    )


def _words(args: Union[str, Sequence[Argument]]) -> List[str]:
    if isinstance(args, (str, bytes)):
        text = args if isinstance(args, str) else _text(args, 0)
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise _wrong(text, f"it cannot be split into words: {error}") from None
    else:
        try:
            words = [_text(word, i) for i, word in enumerate(args)]
        except TypeError:
            kind = type(args).__name__
            raise LoomError(f"tasks.run needs a string or a list of strings, got {kind}") from None
    if not words or not words[0]:
        raise _wrong(" ".join(words), "it names no program")
    return words


def _text(word: Argument, position: int) -> str:
    if isinstance(word, os.PathLike):
        word = os.fspath(word)
    if isinstance(word, str):
        return word
    if isinstance(word, bytes):
        try:
            return word.decode()
        except UnicodeDecodeError:
            raise LoomError(f"argument {position} of tasks.run, {word!r}, is not UTF-8") from None
    raise LoomError(
        f"argument {position} of tasks.run must be a string, got {type(word).__name__}; an input "
        'is passed as a variable: run(["prog", "$x"], [(task, "$x")])'
    )


def _pairs(named: NamedInputs, command: str) -> List[Tuple[str, Any]]:
    if isinstance(named, Mapping):
        items: Iterable[Any] = named.items()
    elif isinstance(named, (Task, BaseFuture, str, bytes)):
        raise _wrong(command, "inputs must be a dict or a list of pairs (task, name)")
    else:
        items = named
    pairs = []
    for item in items:
        try:
            first, second = item
        except (TypeError, ValueError):
            raise _wrong(command, f"the input {item!r} is no pair (task, name)") from None
        name, task = (first, second) if isinstance(first, str) else (second, first)
        if not isinstance(name, str):
            raise _wrong(command, f"the pair ({first!r}, {second!r}) has no name")
        pairs.append((name, task))
    return pairs


def _extensions(
    command: str,
    env: Optional[Mapping[str, str]],
    time_limit: Optional[float],
    success_codes: Iterable[int],
    keep_directory: bool,
) -> List[bytes]:
    fields = []
    for name, value in (env or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise _wrong(command, f"env must have strings, got {name!r}: {value!r}")
        entry = wire.text_field(1, name) + wire.text_field(2, value)
        fields.append(wire.bytes_field(20, entry))
    if time_limit is not None:
        limit = milliseconds(time_limit, f'the time limit of tasks.run("{command}")')
        fields.append(wire.number_field(21, limit))
    codes = list(success_codes)
    for code in codes:
        if not isinstance(code, int) or not 0 <= code <= 255:
            raise _wrong(command, f"success_codes must be integers from 0 to 255, got {code!r}")
    if codes:
        fields.append(wire.packed_field(22, codes))
    if keep_directory:
        fields.append(wire.number_field(23, 1))
    return fields


def _check_variable(name: str, command: str) -> None:
    if not re.fullmatch(r"\$\w+", name):
        raise _wrong(command, f"the variable {name!r} must consist of letters, digits and _")


def _check_file_name(name: object, command: str) -> None:
    """File names are relative to the working directory and stay in it."""
    if not isinstance(name, str):
        raise _wrong(command, f"the file name {name!r} must be a string")
    wrong = name == "" or name[0] in "/$+" or "\0" in name or ".." in name.split("/")
    if wrong:
        raise _wrong(
            command,
            f"the file name {name!r} must be a relative path inside the working directory that "
            "does not start with $ or +",
        )


def _wrong(command: str, problem: str) -> LoomError:
    return LoomError(f'tasks.run("{command}"): {problem}')
