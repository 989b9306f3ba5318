"""What functions get for their inputs. Owns reading: from the frame, or from files by mapping them.

Made by inbox.py, and by `ctx.wrap`; results.py turns those that come back into references.
"""

from __future__ import annotations

import mmap
import operator
import os
import sys
from typing import Any, Dict, Iterator, List, NoReturn, Optional, Sequence

from . import pickling
from .protocol import PYOBJ

# Reading less than this into memory is faster than mapping it, and keeps no descriptor open.
MAP_BYTES = 256 * 1024


class Data:
    """An input of a function: plain data, an array, an index (pieces of plain data), or a value.

    Returned from a function it stands for that very object; nothing is copied.
    """

    __slots__ = ()

    def read(self) -> bytes:
        """The bytes of plain data or of a whole index; `b""` for anything else."""
        return b""

    def view(self) -> memoryview:
        """Like `read`, without a copy. What is written to it stays in this process."""
        return memoryview(b"")

    def size(self) -> int:
        """Bytes; of an array the sum of its elements, of a value those of its pickle."""
        raise NotImplementedError

    def length(self) -> int:
        """Elements of an array, pieces of an index, else 0."""
        return 0

    def unwrap(self) -> Any:
        """The Python object that a function has wrapped; None for anything else.

        The same object each time.
        """
        return None

    def __len__(self) -> int:
        return self.length()

    def __bool__(self) -> bool:
        return True  # not by len(): that is 0 for plain data

    def __getitem__(self, index: Any) -> Any:
        raise TypeError(f"{self!r} has no elements; read() gives its bytes, unwrap() its object")

    def __iter__(self) -> Iterator[Data]:
        raise TypeError(f"{self!r} has no elements; read() gives its bytes, unwrap() its object")

    def __bytes__(self) -> bytes:
        return self.read()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{self!r} is an input and can't be pickled; use what its read() or unwrap() gives, "
            "or return it itself"
        )


class BytesData(Data):
    """Plain data that came with the call."""

    __slots__ = ("_bytes",)

    def __init__(self, content: bytes) -> None:
        self._bytes = content

    def read(self) -> bytes:
        return self._bytes

    def view(self) -> memoryview:
        return memoryview(self._bytes)

    def size(self) -> int:
        return len(self._bytes)

    def __repr__(self) -> str:
        start = self._bytes[:40]
        more = "..." if len(start) < len(self._bytes) else ""
        return f"<Data: {len(self._bytes)} bytes, {start!r}{more}>"


class FileData(Data):
    """Plain data in a file."""

    __slots__ = ("_offset", "_path", "_size", "_view")

    def __init__(self, path: str, offset: int, size: int) -> None:
        self._path = path
        self._offset = offset
        self._size = size
        self._view: Optional[memoryview] = None

    def read(self) -> bytes:
        if self._view is not None:
            return bytes(self._view)
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.pread(file, self._size, self._offset)
            if len(content) == self._size:
                return content
            # One pread gives at most 2 GiB.
            parts = [content]
            done = len(content)
            while done < self._size:
                content = os.pread(file, self._size - done, self._offset + done)
                if not content:
                    raise self._too_short()
                parts.append(content)
                done += len(content)
            return b"".join(parts)
        finally:
            os.close(file)

    def view(self) -> memoryview:
        if self._view is None:
            self._view = self._read_view() if self._size < MAP_BYTES else self._map()
        return self._view

    def _read_view(self) -> memoryview:
        return memoryview(bytearray(self.read()))

    def _map(self) -> memoryview:
        # Private: numpy arrays on it are writable, the file does not change.
        before = self._offset % mmap.ALLOCATIONGRANULARITY
        options: Dict[str, Any] = {"access": mmap.ACCESS_COPY}
        if sys.version_info >= (3, 13):
            options["trackfd"] = False
        file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Beyond the end of the file, touching the memory would kill the process.
            if os.fstat(file).st_size < self._offset + self._size:
                raise self._too_short()
            mapped = mmap.mmap(file, before + self._size, offset=self._offset - before, **options)
        finally:
            os.close(file)
        return memoryview(mapped)[before:]

    def _too_short(self) -> OSError:
        return OSError(f"{self._path} ends before byte {self._offset + self._size}")

    def size(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"<Data: {self._size} bytes>"


class ElementsData(Data):
    """What has elements: indexing and iteration as Python's sequences do it."""

    __slots__ = ()

    def element(self, position: int) -> Data:
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Any:
        count = self.length()
        if isinstance(index, slice):
            return [self.element(position) for position in range(*index.indices(count))]
        position = operator.index(index)
        if position < 0:
            position += count
        if not 0 <= position < count:
            raise IndexError(f"index {index} is out of range: {self!r}")
        return self.element(position)

    def __iter__(self) -> Iterator[Data]:
        for position in range(self.length()):
            yield self.element(position)


class ArrayData(ElementsData):
    """An array of any objects."""

    __slots__ = ("elements",)

    def __init__(self, elements: List[Data]) -> None:
        self.elements = elements

    def size(self) -> int:
        # Not recursive: arrays can be nested deeper than Python's stack.
        total = 0
        rest: List[Data] = [self]
        while rest:
            data = rest.pop()
            if isinstance(data, ArrayData):
                rest.extend(data.elements)
            else:
                total += data.size()
        return total

    def length(self) -> int:
        return len(self.elements)

    def element(self, position: int) -> Data:
        return self.elements[position]

    def __repr__(self) -> str:
        return f"<Data: array of {len(self.elements)}>"


class IndexData(ElementsData):
    """Plain data and where its pieces begin."""

    __slots__ = ("_content", "_offsets")

    def __init__(self, content: Data, offsets: Sequence[int]) -> None:
        self._content = content
        self._offsets = offsets

    def read(self) -> bytes:
        return self._content.read()

    def view(self) -> memoryview:
        return self._content.view()

    def size(self) -> int:
        return self._content.size()

    def length(self) -> int:
        return len(self._offsets) - 1

    def element(self, position: int) -> Data:
        return PieceData(self, position)

    def piece_size(self, position: int) -> int:
        return self._offsets[position + 1] - self._offsets[position]

    def piece_view(self, position: int) -> memoryview:
        return self._content.view()[self._offsets[position] : self._offsets[position + 1]]

    def __repr__(self) -> str:
        return f"<Data: index of {self.length()} pieces, {self.size()} bytes>"


class PieceData(Data):
    """A piece of an index: plain data."""

    __slots__ = ("index", "position")

    def __init__(self, index: IndexData, position: int) -> None:
        self.index = index
        self.position = position

    def read(self) -> bytes:
        return bytes(self.index.piece_view(self.position))

    def view(self) -> memoryview:
        return self.index.piece_view(self.position)

    def size(self) -> int:
        return self.index.piece_size(self.position)

    def __repr__(self) -> str:
        return f"<Data: {self.size()} bytes, piece {self.position} of {self.index!r}>"


class ValueData(Data):
    """A serialized object: of Python, or of somebody else."""

    __slots__ = ("_loaded", "_object", "content", "type")

    def __init__(self, type_name: str, content: Data) -> None:
        self.type = type_name
        self.content = content
        self._loaded = False
        self._object: Any = None

    def size(self) -> int:
        return self.content.size()

    def unwrap(self) -> Any:
        if not self._loaded and self.type == PYOBJ:
            self._object = pickling.load(self.content.view())
            self._loaded = True
        return self._object

    def __repr__(self) -> str:
        kind = "Python object" if self.type == PYOBJ else self.type
        return f"<Data: {kind}, {self.size()} bytes>"


class WrappedData(Data):
    """What `ctx.wrap` gives. Pickled when the function has returned it."""

    __slots__ = ("_object",)

    def __init__(self, wrapped: Any) -> None:
        self._object = wrapped

    def size(self) -> int:
        return sum(memoryview(part).nbytes for part in pickling.dump(self._object))

    def unwrap(self) -> Any:
        return self._object

    def __repr__(self) -> str:
        return f"<Data: wrapped {type(self._object).__name__}>"


def number_objects(inputs: Sequence[Data]) -> Dict[int, int]:
    """id() of each object of a call -> its number in the protocol: arrays before their elements."""
    numbers: Dict[int, int] = {}
    rest = list(reversed(inputs))
    while rest:
        data = rest.pop()
        numbers[id(data)] = len(numbers)
        if isinstance(data, ArrayData):
            rest.extend(reversed(data.elements))
    return numbers
