"""The HTML that notebooks show for clients, futures, tasks and numbers. Owns its look."""

from __future__ import annotations

from html import escape
from typing import Mapping


def table(title: str, rows: Mapping[str, object]) -> str:
    """A small table with a title, one row per item."""
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<div><strong>{escape(title)}</strong><table>{cells}</table></div>"
