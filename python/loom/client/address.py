"""Addresses of servers as users write them."""

from __future__ import annotations

import ipaddress
import os
import re
from typing import NamedTuple, Optional

from .errors import LoomError

DEFAULT_PORT = 9010
_ADDRESS = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]\s/]*))(?::([^:/]*))?")


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def find_address(address: Optional[str], port: int) -> Address:
    """The server to talk to: the given one, else that of the environment variable LOOM_SERVER.

    Args:
        address: "host", "host:port", "[ipv6]:port", "ipv6", or None.
        port: used where the address has none.
    """
    if address is not None:
        return _parse(address, port)
    given = os.environ.get("LOOM_SERVER")
    if given:
        return _parse(given, port)
    raise LoomError(
        'no server was given: write Client("host:port"), set the environment variable LOOM_SERVER, '
        "or start a cluster on this machine with loom.LocalCluster"
    )


def _parse(text: str, port: int) -> Address:
    if not isinstance(text, str):
        raise LoomError(f"the address must be a string, got {type(text).__name__}")
    trimmed = text.strip()
    if _is_ipv6(trimmed):
        return Address(trimmed, _checked(port, text))
    match = _ADDRESS.fullmatch(trimmed)
    host = match and (match[1] or match[2])
    if not match or not host or (match[1] and not _is_ipv6(host)):
        raise LoomError(f'wrong address "{text}": write HOST:PORT or [IPV6]:PORT, like node7:9010')
    if match[3] is None:
        return Address(host, _checked(port, text))
    own = _checked(match[3], text)
    if port not in (DEFAULT_PORT, own):
        raise LoomError(f'the address "{text}" has a port, and port={port} is another one')
    return Address(host, own)


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _checked(port: object, address: str) -> int:
    if re.fullmatch("[0-9]{1,5}", str(port)) and 1 <= int(str(port)) <= 65535:
        return int(str(port))
    raise LoomError(f'wrong address "{address}": port {port!r} is not a number from 1 to 65535')
