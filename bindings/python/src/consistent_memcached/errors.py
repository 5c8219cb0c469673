"""What went wrong: one exception class for each status of the library that means failure."""

from __future__ import annotations

import builtins
from typing import Any


class MemcachedError(Exception):
    """An operation got no answer. A miss is an answer and never an exception.

    An operation on many keys that failed for some of them raises the failure of the
    first; ``results`` then holds what was answered and ``failed`` the status of every
    key (of every server, for ``get_stats`` and ``flush_all``) that got no answer.
    """

    status: int
    """The number the C ABI gives the failure (``CM_ERR_…``)."""
    message: str
    """One line of text."""
    server: str
    """Identity of the server it was about, or an empty string."""
    unsent: bool
    """True if nothing of it can have reached the server; else a write may have been done."""

    results: dict[Any, Any]
    failed: dict[Any, int]

    def __init__(self, status: int, message: str, server: str = "", unsent: bool = False) -> None:
        """Describe one failure."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.server = server
        self.unsent = unsent
        self.results = {}
        self.failed = {}

    def __str__(self) -> str:
        """Return the message, after the server where there is one."""
        return f"{self.server}: {self.message}" if self.server else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the exception travel between processes."""
        return type(self), (self.status, self.message, self.server), self.__dict__


class ArgumentError(MemcachedError, ValueError):
    """The list of servers, a time, a delta or another argument is wrong."""


class InvalidKeyError(MemcachedError, ValueError):
    """The key is empty, too long, or holds a byte that memcached does not take."""


class ValueTooLargeError(MemcachedError, ValueError):
    """The value is larger than the server takes. The old value is gone."""


class TimeoutError(MemcachedError, builtins.TimeoutError):
    """No answer within the time the call had."""


class ConnectionError(MemcachedError, builtins.ConnectionError):
    """The connection could not be made or broke."""


class ServerDownError(ConnectionError):
    """The server failed too often of late and is left alone for a while."""


class ResolveError(ConnectionError):
    """The server's name has no address."""


class ProtocolError(MemcachedError):
    """The reply did not fit the request."""


class ServerError(MemcachedError):
    """The server failed to do what was asked."""


class RejectedError(MemcachedError):
    """The server found the request wrong, such as ``incr`` of what is no number."""


class UnsupportedError(MemcachedError):
    """The server or this package does not know how to do it."""


class UnsupportedValueError(UnsupportedError, ValueError):
    """The item was written in a form that this package does not read."""


class AuthError(MemcachedError):
    """The server refused the user name or password."""


class TlsError(MemcachedError):
    """No secure connection could be agreed on."""


class OptionError(MemcachedError, ValueError):
    """An option is unknown, out of its range, or excluded by another."""


class PanicError(MemcachedError):
    """A defect in the library. The client can still be used."""


class ClosedError(MemcachedError):
    """The client is closed."""


class CancelledError(MemcachedError):
    """The operation was called off."""


class NoMemoryError(MemcachedError, MemoryError):
    """There was no memory for it."""


class BusyError(MemcachedError):
    """Too much is under way."""


ARGUMENT = -1
UNSUPPORTED = -10

_CLASSES: dict[int, type[MemcachedError]] = {
    ARGUMENT: ArgumentError,
    -2: InvalidKeyError,
    -3: ValueTooLargeError,
    -4: TimeoutError,
    -5: ServerDownError,
    -6: ConnectionError,
    -7: ProtocolError,
    -8: ServerError,
    -9: RejectedError,
    UNSUPPORTED: UnsupportedError,
    -11: AuthError,
    -12: TlsError,
    -13: OptionError,
    -14: ResolveError,
    -15: PanicError,
    -16: ClosedError,
    -17: CancelledError,
    -18: NoMemoryError,
    -19: BusyError,
}


def error_for(status: int, message: str, server: str = "", unsent: bool = False) -> MemcachedError:
    """Return the exception for a status; one not known here is a plain MemcachedError."""
    return _CLASSES.get(status, MemcachedError)(status, message, server, unsent)


def partly(
    failure: MemcachedError, results: dict[Any, Any], failed: dict[Any, int]
) -> MemcachedError:
    """Note in the exception what was answered and what was not."""
    failure.results = results
    failure.failed = failed
    return failure
