"""Who may ask: bearer tokens, each with a name and, if it is one carrier's, its carrier.

Without tokens everybody on this machine is operations, and the listener stays on loopback.
"""

import hashlib
import ipaddress
from pathlib import Path
from typing import NamedTuple

from streams.errors import TowerError

_SHORTEST = 16


class Caller(NamedTuple):
    """Who asks; `carrier` None sees everything and may write."""

    name: str | None
    carrier: str | None = None

    def may_see(self, carrier: str) -> bool:
        """Tell whether orders of a carrier are this caller's business."""
        return self.carrier is None or self.carrier == carrier


ANYBODY = Caller(None)


class Access:
    """The tokens of a file, one a line: `TOKEN NAME` or `TOKEN NAME CARRIER`; `#` a comment."""

    def __init__(self, callers: dict[bytes, Caller]) -> None:
        self._callers = callers

    @property
    def open(self) -> bool:
        """Tell whether no token is asked for."""
        return not self._callers

    def caller(self, header: str | None) -> Caller | None:
        """Return who an `Authorization` header names, None if nobody."""
        if self.open:
            return ANYBODY
        kind, _, token = (header or "").partition(" ")
        if kind.lower() != "bearer":
            return None
        # Looked up by digest: how long that takes says nothing about the token.
        return self._callers.get(_digest(token.strip()))


def access(host: str, tokens: Path | None) -> Access:
    """Return who may ask at a listener.

    Raises:
        TowerError: the file is not readable or not right, or the host is not loopback and
            there are no tokens.
    """
    if tokens is None:
        if not is_loopback(host):
            raise TowerError(
                f"TOWER_WEB_HOST={host} lets others in: name a file of bearer tokens by"
                " TOWER_WEB_TOKENS_FILE, or stay on 127.0.0.1."
            )
        return Access({})
    try:
        lines = tokens.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TowerError(
            f"TOWER_WEB_TOKENS_FILE: {tokens} cannot be read ({error})."
        ) from error
    callers: dict[bytes, Caller] = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) not in {2, 3} or len(words[0]) < _SHORTEST:
            raise TowerError(
                f"TOWER_WEB_TOKENS_FILE: {tokens}, line {number} should be TOKEN NAME"
                f" [CARRIER], the token of at least {_SHORTEST} characters."
            )
        if _digest(words[0]) in callers:
            raise TowerError(f"TOWER_WEB_TOKENS_FILE: {tokens}, line {number} repeats a token.")
        callers[_digest(words[0])] = Caller(*words[1:])
    if not callers:
        raise TowerError(f"TOWER_WEB_TOKENS_FILE: {tokens} holds no token.")
    return Access(callers)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
