"""Where a key belongs, and why."""

from __future__ import annotations

from ctypes import byref, c_void_p, sizeof
from dataclasses import dataclass

from . import _library as lib
from ._operations import operation
from ._values import Sent

_POSITION_KINDS = {1: "slot", 2: "point", 3: "score"}  # CM_POSITION_SLOT and so on


@dataclass(frozen=True)
class Explanation:
    """Where a key belongs, and why."""

    server: int
    """The owner's place in the list of servers, from 0."""
    identity: str
    """The owner's identity."""
    position_kind: str
    """What the distribution found the owner by: ``"slot"``, ``"point"`` or ``"score"``."""
    position: int
    """Which slot of the table or point of the continuum, or the owner's score for the key."""
    sequence: tuple[str, ...]
    """Identities of the servers as they are tried when those before are missing, owner first."""


def explain(client: lib.ClientHandle, key: Sent) -> Explanation:
    """Ask the library to explain where a key belongs."""
    explained = lib.ExplanationPointer()
    error = c_void_p()
    op = operation(lib.OP_GET, key)
    lib.check(lib.cm_explain(client, byref(op), sizeof(op), explained, error), error)
    try:
        found = explained.contents
        return Explanation(
            found.server,
            _text(found.identity),
            _POSITION_KINDS[found.position_kind],
            found.position,
            tuple(map(_text, found.sequence[: found.sequence_count])),
        )
    finally:
        lib.cm_explanation_free(explained)


def _text(identity: bytes) -> str:
    return identity.decode(errors="replace")
