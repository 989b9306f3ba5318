"""The README's Python code runs, from its beginning to its end, as one script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.usefixtures("functions")
def test_the_examples_run(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 8
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "requests 10000 cpus" in done.stdout
    assert "info repeating" in done.stdout
    # How much a bar shows depends on what the server has told before it: test_shown.py.
    assert "task/s" in done.stderr
