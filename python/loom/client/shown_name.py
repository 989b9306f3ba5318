"""Users' texts where people read them."""

from __future__ import annotations

import unicodedata


def shown_name(name: str, limit: int) -> str:
    """The name, of at most so many characters, with nothing in it that steers a terminal."""
    plain = "".join("?" if unicodedata.category(each)[0] == "C" else each for each in name)
    return plain if len(plain) <= limit else f"{plain[: limit - 2]}.."
