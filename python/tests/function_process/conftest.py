"""A function process for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List

import pytest

from .driver import FunctionProcess


@pytest.fixture
def directories(tmp_path: Path) -> List[str]:
    """Two for result files."""
    found = [tmp_path / "first", tmp_path / "second"]
    for directory in found:
        directory.mkdir()
    return list(map(str, found))


@pytest.fixture
def process(directories: List[str]) -> Iterator[FunctionProcess]:
    with FunctionProcess(directories) as started:
        yield started
