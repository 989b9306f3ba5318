"""Python functions as tasks: what is sent. That they run is in test_python_tasks.py."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import cloudpickle
import pytest

from loom import LoomError, Task, tasks
from loom.client.tasks import PyTask

from .harness import plan_of

threshold = 1


def sent_function(task: Task) -> Any:
    """What the worker gets as the function."""
    assert task.task_type == "loom/py/call"
    function = task.inputs[0]
    assert (function.task_type, function.inputs) == ("loom/py/value", ())
    return cloudpickle.loads(function.config)


def test_decorator_without_parentheses() -> None:
    @tasks.py_task
    def f(a: Any) -> str:
        """Doc."""
        return "f" + a

    given = tasks.const("x")
    task = f(given)
    assert sent_function(task)("!") == "f!"
    assert task.inputs[1:] == (given,)
    assert (task.config, task.label, task.resource_request) == (b"", "f", tasks.cpu1)
    assert f.fn("?") == "f?"
    assert (f.__doc__, f.__name__, repr(f)) == ("Doc.", "f", "<py_task 'f'>")
    assert isinstance(f, PyTask)


def test_decorator_with_everything() -> None:
    @tasks.py_task("name", request=tasks.cpus(2), context=True, n_direct_args=2)
    def f(ctx: Any, n: int, m: int, a: Any) -> Any:
        return ctx, n, m, a

    task = f(3, {"x"}, tasks.const("ABC"))
    function, has_context = sent_function(task)
    assert has_context is True
    assert function(1, 2, 3, 4) == (1, 2, 3, 4)
    assert cloudpickle.loads(task.config) == (3, {"x"})
    assert (task.label, task.resource_request) == ("name", tasks.cpus(2))
    assert len(task.inputs) == 2


def test_decorator_with_empty_parentheses_and_by_keyword() -> None:
    @tasks.py_task()
    def f() -> None: ...

    @tasks.py_task(label="other", request=None)
    def g() -> None: ...

    assert (f().label, g().label, g().resource_request) == ("f", "other", None)


def test_text_and_bytes_become_constants() -> None:
    @tasks.py_task
    def f(*args: Any) -> None: ...

    _, text, content = f("ä", b"\0").inputs
    assert [(each.task_type, each.config) for each in (text, content)] == [
        ("loom/data/const", "ä".encode()),
        ("loom/data/const", b"\0"),
    ]


def test_inputs_of_a_running_function_are_taken() -> None:
    class Data:
        def unwrap(self) -> None: ...

    data = Data()
    assert tasks.py_task(lambda a: a)(data).inputs[1] is data


@pytest.mark.parametrize("wrong", [3, None, [tasks.const("")], {"a": 1}, object()])
def test_other_objects_are_refused(wrong: Any) -> None:
    @tasks.py_task(n_direct_args=1)
    def f(n: Any, a: Any) -> None: ...

    with pytest.raises(
        LoomError, match=r'argument 2 of "f" is a .*\(n_direct_args\) or as tasks.py'
    ):
        f(1, wrong)


def test_wrong_uses() -> None:
    @tasks.py_task(n_direct_args=2)
    def f(n: Any, m: Any) -> None: ...

    with pytest.raises(LoomError, match='"f" has 2 direct arguments, got only 1'):
        f(1)
    with pytest.raises(LoomError, match="label of py_task must be a string, got int"):
        tasks.py_task(3)  # type: ignore[call-overload]
    with pytest.raises(LoomError, match="decorates functions, got int"):
        tasks.py_task()(3)  # type: ignore[arg-type]
    with pytest.raises(LoomError, match="n_direct_args must be"):
        tasks.py_task(n_direct_args=-1)(f.fn)
    with pytest.raises(LoomError, match="needs a function, .* got int"):
        tasks.py_call(3)  # type: ignore[arg-type]


def test_a_function_is_pickled_once_and_sent_once_per_plan() -> None:
    pickled = []

    class Captured:
        def __reduce__(self) -> Any:
            pickled.append(1)
            return Captured, ()

    captured = Captured()

    @tasks.py_task
    def f(a: Any) -> Any:
        return captured

    made = [f(tasks.const(str(i))) for i in range(10)]
    assert len(pickled) == 1
    plan = plan_of(made)
    assert sum(task[1] == [15] for task in plan["tasks"]) == 1
    assert len({id(task.inputs[0]) for task in made}) == 1


def test_a_function_is_pickled_anew_when_its_names_mean_something_else() -> None:
    global threshold
    local = 1

    def helper() -> tuple[int, int]:
        return threshold, local

    @tasks.py_task
    def f() -> Any:
        return helper()

    threshold = 1
    assert sent_function(f())() == (1, 1)
    first = f().inputs[0]
    assert f().inputs[0] is first
    threshold = 2
    # The helper is in a cell of f, and has a cell and a global variable itself.
    assert sent_function(f())() == (2, 1)
    local = 5
    assert sent_function(f())() == (2, 5)
    assert sent_function(tasks.py_call(f))() == (2, 5)
    assert f().inputs[0] is not first


def test_recursive_functions_and_tasks_in_functions() -> None:
    @tasks.py_task
    def even(n: Any) -> Any:
        return odd(n) if n else True

    @tasks.py_task(n_direct_args=1)
    def odd(n: Any) -> Any:
        return even, n

    function = sent_function(even(b""))
    made = function(7)  # on a worker, this makes a task
    assert (made.task_type, made.label) == ("loom/py/call", "odd")
    assert cloudpickle.loads(made.config) == (7,)
    assert function(0) is True
    again = pickle.loads(cloudpickle.dumps(odd))
    assert (again.label, again.n_direct_args) == ("odd", 1)
    assert again.fn(1)[1] == 1


def test_unpicklable_functions_and_arguments() -> None:
    lock = threading.Lock()

    @tasks.py_task
    def f() -> Any:
        return lock

    with pytest.raises(LoomError, match='the function "f" cannot be pickled: TypeError.*lock') as c:
        f()
    assert isinstance(c.value.__cause__, TypeError)
    assert "\n" not in str(c.value)
    with pytest.raises(LoomError, match='function "<lambda>" cannot be pickled'):
        tasks.py_call(lambda: lock)

    @tasks.py_task(n_direct_args=2)
    def g(*args: Any) -> None: ...

    with pytest.raises(LoomError, match='direct argument 2 of "g", a lock, cannot be pickled'):
        g(1, lock)
    with pytest.raises(LoomError, match='direct argument 1 of "len", a lock, cannot'):
        tasks.py_call(len, direct_args=[lock])


def test_py_call() -> None:
    def f(*args: Any) -> Any:
        return args

    a = tasks.const("a")
    task = tasks.py_call(f, [a, a], direct_args=(1,), request=tasks.cpus(2))
    assert sent_function(task)(5) == (5,)
    assert task.inputs[1:] == (a, a)
    assert cloudpickle.loads(task.config) == (1,)
    assert (task.resource_request, task.label) == (tasks.cpus(2), "f")
    assert tasks.py_call(f).inputs[0] is task.inputs[0]
    assert tasks.py_call(f, a).inputs[1:] == (a,)
    assert tasks.py_call(f).config == b""
    value = tasks.py_value(f)
    assert tasks.py_call(value).inputs == (value,)
    assert tasks.py_call(value).label is None

    @tasks.py_task(context=True)
    def g(ctx: Any) -> None: ...

    assert sent_function(tasks.py_call(g))[1] is True


def test_py_call_with_odd_callables() -> None:
    class Callable:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            return True

        def __call__(self) -> str:
            return "called"

    assert sent_function(tasks.py_call(Callable()))() == "called"
    assert sent_function(tasks.py_call("abc".upper))() == "ABC"
    assert sent_function(tasks.py_call(len))("abc") == 3


def test_functions_are_not_kept_alive() -> None:
    import gc
    import weakref

    def make() -> weakref.ref[Any]:
        def f() -> Any:
            return f

        tasks.py_call(f)
        return weakref.ref(f)

    reference = make()
    gc.collect()
    assert reference() is None
