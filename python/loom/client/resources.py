"""What a task needs of a worker while it runs: amounts of resources, and variants of them. Owns how
requests are written and which amounts are valid; they are encoded in plan.py.
"""

from __future__ import annotations

import math
import re
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import LoomError

#: A number, or particular ones of an indexed resource.
Amount = Union[int, float, Tuple[str, ...]]

PREFIX = "loom/resource/"
CPUS = PREFIX + "cpus"

_MAX_CPUS = 65_535
_MAX_RESOURCES = 64
_MAX_INDICES = 255
_MAX_INDEX_LENGTH = 64
#: Amounts are multiples of one part of this.
_PARTS = 10_000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)")
_UNITS = {
    "": 1,
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
    "TiB": 1 << 40,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}


class ResourceRequest:
    """What a task holds while it runs. Equal ones may be shared; they do not change.

    :func:`loom.client.tasks.resources` and ``any_of`` are easier to write.

    Args:
        resources: by resource how much of it, or which ones of an indexed resource:
            ``{"loom/resource/cpus": 2, "loom/resource/gpus": ("0", "3")}``.
        alternatives: what will do as well, in order of preference.

    Raises:
        LoomError: a wrong name or amount.

    Example:
        >>> tasks.run("sort words.txt", request=tasks.cpus(2))
    """

    __slots__ = ("_hash", "alternatives", "resources")

    def __init__(
        self,
        resources: Mapping[str, Union[int, float, Sequence[str]]],
        alternatives: Iterable[ResourceRequest] = (),
    ) -> None:
        if len(resources) > _MAX_RESOURCES:
            raise LoomError(
                f"the request asks for {len(resources)} resources, at most {_MAX_RESOURCES} are "
                "possible"
            )
        self.resources: Tuple[Tuple[str, Amount], ...] = tuple(
            (name, _checked(name, amount)) for name, amount in sorted(resources.items())
        )
        self.alternatives: Tuple[ResourceRequest, ...] = tuple(alternatives)
        for each in self.alternatives:
            if not isinstance(each, ResourceRequest):
                kind = type(each).__name__
                raise LoomError(f"an alternative is a {kind}; make it with tasks.resources(...)")
            if each.alternatives:
                raise LoomError(
                    "an alternative has alternatives; list all of them in one tasks.any_of(...)"
                )
        self._hash = hash((self.resources, self.alternatives))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ResourceRequest)
            and self.resources == other.resources
            and self.alternatives == other.alternatives
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        others = f", {list(self.alternatives)!r}" if self.alternatives else ""
        return f"ResourceRequest({dict(self.resources)!r}{others})"

    def __reduce__(self) -> Tuple[Any, ...]:
        return ResourceRequest, (dict(self.resources), self.alternatives)


def cpus(count: int) -> ResourceRequest:
    """A request for cores of one worker; 0 for a task that hardly computes.

    Example:
        >>> tasks.run("make -j4", request=tasks.cpus(4))
    """
    return ResourceRequest({CPUS: count})


def resources(
    amounts: Optional[Mapping[str, Any]] = None, /, **more: Union[float, str, Sequence[str]]
) -> ResourceRequest:
    """A request for amounts of resources of one worker.

    Amounts are numbers (whole ones for cpus, else fractions down to 1/10000), texts with a unit (B,
    KiB, MiB, GiB, TiB, kB, MB, GB, TB), or lists of the indices of particular ones of an indexed
    resource. ``mem`` is in bytes.

    Args:
        amounts: those whose names can't be written as arguments.
        more: the others, by name.

    Raises:
        LoomError: a wrong name or amount, or none at all.

    Example:
        >>> tasks.run("train", request=tasks.resources(cpus=4, gpus=0.5, mem="64GiB"))
        >>> tasks.resources(gpus=["0", "3"])
    """
    given = {**(amounts or {}), **more}
    if not given:
        raise LoomError("resources() needs an amount: tasks.resources(cpus=1)")
    request = ResourceRequest({PREFIX + str(name): _read(name, given[name]) for name in given})
    for name, amount in request.resources:
        if name == CPUS and not (isinstance(amount, int) and 1 <= amount <= _MAX_CPUS):
            raise LoomError(f"cpus must be an integer from 1 to {_MAX_CPUS}, got {amount!r}")
    return request


def any_of(first: ResourceRequest, *others: ResourceRequest) -> ResourceRequest:
    """A request that any of these satisfy, in order of preference.

    Raises:
        LoomError: one is no request, or has alternatives itself.

    Example:
        >>> tasks.any_of(tasks.resources(gpus=1, cpus=4), tasks.cpus(16))
    """
    # The first one is checked as the others are.
    variants = ResourceRequest({}, (first, *others)).alternatives
    return ResourceRequest(dict(variants[0].resources), variants[1:])


def resource_name(symbol: str) -> Optional[str]:
    """The name of a resource that is not known by its number: all but cpus and users' symbols."""
    if not symbol.startswith(PREFIX) or symbol == CPUS:
        return None
    return symbol[len(PREFIX) :]


def parse_amount(text: str) -> Optional[float]:
    """Of "64GiB" the bytes, of "0.5" the number; None for what is no amount."""
    match = _TEXT.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        return None
    return _rounded(float(match[1]) * _UNITS[match[2]])


def _read(name: object, amount: Any) -> Any:
    """An amount of a resource as users write it."""
    if isinstance(amount, Mapping) and list(amount) == ["indices"]:
        amount = amount["indices"]
    if not isinstance(amount, str):
        return amount
    number = parse_amount(amount)
    if number is None:
        raise LoomError(f'the amount of {name} must be like "64GiB" or "0.5", got {amount!r}')
    return number


def _checked(symbol: str, amount: Any) -> Amount:
    name = resource_name(symbol)
    if isinstance(amount, float) and amount.is_integer():
        amount = int(amount)
    if name is None:
        if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount < 2**31:
            raise LoomError(
                f"the request for {symbol} must be an integer from 0 to 2^31 - 1, got {amount!r}"
            )
        return amount
    if _NAME.fullmatch(name) is None:
        raise LoomError(
            f"the request names the resource {name!r}; names have 1 to 64 letters, digits, "
            '"_", "." and "-", the first one a letter'
        )
    if isinstance(amount, (list, tuple)):
        return _indices(name, amount)
    if isinstance(amount, (int, float)) and not isinstance(amount, bool):
        rounded = _rounded(amount)
        if rounded > 0:
            return rounded
    raise LoomError(
        f"the request asks for {amount!r} {name}; it must be a number above 0, at least "
        f"1/{_PARTS}, or a list of indices"
    )


def _indices(name: str, indices: Sequence[object]) -> Tuple[str, ...]:
    checked: List[str] = []
    for index in indices:
        if not isinstance(index, str) or not 1 <= len(index) <= _MAX_INDEX_LENGTH:
            raise LoomError(
                f"the request names one of the {name} {index!r}; indices are texts of 1 to "
                f"{_MAX_INDEX_LENGTH} characters"
            )
        checked.append(index)
    if not checked:
        raise LoomError(f"the request names none of the {name}; leave it out, or give a number")
    if len(set(checked)) < len(checked):
        raise LoomError(f"the request names one of the {name} twice")
    if len(checked) > _MAX_INDICES:
        raise LoomError(
            f"the request names {len(checked)} {name}, at most {_MAX_INDICES} are possible"
        )
    return tuple(checked)


def _rounded(amount: float) -> float:
    """To the nearest multiple of 1/10000; 0 for what is no usable number."""
    try:
        number = float(amount)
    except OverflowError:
        return 0
    if not math.isfinite(number):
        return 0
    if number.is_integer():
        return number
    return math.floor(number * _PARTS + 0.5) / _PARTS


#: One core: what programs and functions hold unless told otherwise.
cpu1 = cpus(1)
