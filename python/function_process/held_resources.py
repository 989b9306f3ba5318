"""What calls hold (HOLD records), and the variable that shows libraries their GPUs. Used by
inbox.py and serve.py.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

from .protocol import ProtocolError

VARIABLE = "CUDA_VISIBLE_DEVICES"


class Held:
    """What a call holds."""

    __slots__ = ("_text", "gpus")

    def __init__(self, text: str, gpus: Optional[str]) -> None:
        self._text = text
        #: Indices of its GPUs, joined by commas; None: it holds none.
        self.gpus = gpus

    def resources(self) -> Dict[str, Dict[str, Any]]:
        """By name; a new one each time, as the user may change it."""
        resources: Dict[str, Dict[str, Any]] = json.loads(self._text)
        return resources


NOTHING = Held("{}", None)


def read_held(text: str) -> Held:
    """What a HOLD says.

    :raises ProtocolError: it can't be understood
    """
    try:
        resources = json.loads(text)
        for resource in resources.values():
            if not (resource["amount"] >= 0 and isinstance(resource["indices"], list)):
                raise ValueError("an amount and indices are needed")
        gpus = ",".join(resources["gpus"]["indices"]) if "gpus" in resources else ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"the resources {text!r} can't be understood: {error!r}") from error
    return Held(text, gpus or None)


class VisibleGpus:
    """The variable while calls that hold GPUs run; for others it is what it was."""

    def __init__(self) -> None:
        #: The GPUs that are shown; None: the variable is what it was.
        self.shown: Optional[str] = None
        self._before: Optional[str] = None

    def show(self, gpus: Optional[str]) -> None:
        """Before a call that holds these GPUs, or none."""
        if self.shown is None:
            self._before = os.environ.get(VARIABLE)
        self.shown = gpus
        value = self._before if gpus is None else gpus
        if value is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = value
