"""``python3 -m loom.lore`` runs ``loom report``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict

import pytest

from loom import lore

_ROOT = Path(__file__).resolve().parents[3]
_TRACE = _ROOT / "test" / "trace" / "golden" / "v1"


def _run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables: Dict[str, str] = {**os.environ, "PYTHONPATH": str(_ROOT / "python"), **environment}
    command = [sys.executable, "-m", "loom.lore", *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_report(tmp_path: Path) -> None:
    output = tmp_path / "monday.html"
    ended = _run(str(_TRACE), "-o", str(output))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{output}\n", "")
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_called(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "monday.html"
    assert lore.main([str(_TRACE), "-o", str(output)]) == 0
    assert capfd.readouterr().out == f"{output}\n"


def test_no_trace(tmp_path: Path) -> None:
    ended = _run(str(tmp_path))
    assert ended.returncode == 2
    assert "no trace of HyperLoom" in ended.stderr


@pytest.mark.parametrize("command", ["/nowhere/loom", "'"])
def test_no_command(command: str) -> None:
    ended = _run(str(_TRACE), LOOM_COMMAND=command)
    assert ended.returncode == 1
    assert ended.stderr.startswith("loom.lore: ")
    assert ended.stderr.count("\n") == 1
