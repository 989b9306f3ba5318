"""Random plans give what a sequential evaluation gives."""

from __future__ import annotations

import random
from typing import Any, Callable

from loom import Client, Task, tasks


class RandomPlan:
    """Tasks with their expected values, by what they are good for."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.data: list[tuple[Any, bytes]] = []
        self.arrays: list[tuple[Any, list[Any]]] = []
        self.pieces: list[tuple[Any, list[bytes]]] = []

    def grow(self) -> tuple[Task, Any]:
        """One more task."""
        choices: list[Callable[[], tuple[Task, Any]]] = [self.const]
        if self.data:
            choices += [self.merge, self.size, self.split, self.array, self.cat]
        if self.arrays:
            choices += [self.get, self.slice_array, self.length]
        if self.pieces:
            choices += [self.get_piece, self.slice_pieces, self.length_of_pieces]
        return self.rng.choice(choices)()

    def keep(self, task: Task, value: Any) -> tuple[Task, Any]:
        (self.data if isinstance(value, bytes) else self.arrays).append((task, value))
        return task, value

    def some(self, most: int = 4) -> tuple[list[Any], list[bytes]]:
        chosen = [self.rng.choice(self.data) for _ in range(self.rng.randint(0, most))]
        return [task for task, _ in chosen], [value for _, value in chosen]

    def const(self) -> tuple[Task, Any]:
        length = self.rng.choice([0, 1, 5, 63, 64, 65, 1000, 70_000])
        content = bytes(self.rng.choices(b"ab\n;", k=length))
        return self.keep(tasks.const(content), content)

    def merge(self) -> tuple[Task, Any]:
        inputs, values = self.some()
        delimiter = self.rng.choice([b"", b"\n", b"--"])
        if sum(map(len, values)) > 1_000_000:
            return self.const()
        return self.keep(tasks.merge(inputs, delimiter), delimiter.join(values))

    def size(self) -> tuple[Task, Any]:
        inputs, values = self.some()
        return self.keep(tasks.size(inputs), sum(map(len, values)).to_bytes(8, "little"))

    def split(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.data)
        char = self.rng.choice([None, b";"])
        end = char or b"\n"
        found = [piece + end for piece in value.split(end)]
        found[-1] = found[-1][:-1]
        if not found[-1]:
            found.pop()
        task = tasks.split(given, char)
        self.pieces.append((task, found))
        return task, found

    def array(self) -> tuple[Task, Any]:
        chosen = [
            self.rng.choice(self.rng.choice([self.data, self.arrays or self.data]))
            for _ in range(self.rng.randint(0, 3))
        ]
        return self.keep(
            tasks.array_make([task for task, _ in chosen]), [value for _, value in chosen]
        )

    def cat(self) -> tuple[Task, Any]:
        inputs, values = self.some(2)
        named = [(task, f"f{i}") for i, task in enumerate(inputs)]
        given, value = self.rng.choice(self.data)
        task = tasks.run(["cat", "-", *(name for _, name in named)], named, stdin=given)
        return self.keep(task, b"".join([value, *values]))

    def get(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.arrays)
        if not value:
            return self.const()
        index = self.rng.randrange(len(value))
        return self.keep(tasks.get(given, index), value[index])

    def slice_array(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.arrays)
        start, end = self.rng.randint(0, 4), self.rng.choice([None, 0, 1, 2, 9])
        return self.keep(tasks.slice(given, start, end), value[start:end])

    def length(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.arrays)
        return self.keep(tasks.length(given), len(value).to_bytes(8, "little"))

    def get_piece(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.pieces)
        if not value:
            return self.const()
        index = self.rng.randrange(len(value))
        return self.keep(tasks.get(given, index), value[index])

    def slice_pieces(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.pieces)
        start = self.rng.randint(0, 4)
        end = self.rng.choice([None, start, start + 1, start + 50])
        return self.keep(tasks.slice(given, start, end), b"".join(value[start:end]))

    def length_of_pieces(self) -> tuple[Task, Any]:
        given, value = self.rng.choice(self.pieces)
        return self.keep(tasks.length([given, given]), (2 * len(value)).to_bytes(8, "little"))


def test_random_plans(client: Client) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(15):
        plan = RandomPlan(rng)
        for _ in range(rng.randint(1, 3)):  # plans that use results of plans before
            made = [plan.grow() for _ in range(rng.randint(1, 40))]
            wanted = [rng.choice(made) for _ in range(rng.randint(1, 12))]
            futures = client.submit([task for task, _ in wanted])
            how = rng.randrange(3)
            if how == 0:
                assert client.fetch(futures) == [value for _, value in wanted]
            elif how == 1:
                expected = dict(zip(futures, (value for _, value in wanted)))
                for future in client.as_completed(futures):
                    assert future.fetch() == expected[future]
            for future, (task, value) in zip(futures, wanted):
                for known in (plan.data, plan.arrays, plan.pieces):
                    if (task, value) in known:
                        known.append((future, value))  # type: ignore[arg-type]
        client.release([each for known in (plan.data, plan.arrays, plan.pieces)
                        for each, _ in known if not isinstance(each, Task)])  # fmt: skip
        assert client.get_stats()["n_data_objects"] == 0
