"""A memcached client with consistent hashing."""

from ._version import __version__
from .client import Client
from .errors import (
    ArgumentError,
    AuthError,
    BusyError,
    CancelledError,
    ClosedError,
    ConnectionError,
    InvalidKeyError,
    MemcachedError,
    NoMemoryError,
    OptionError,
    PanicError,
    ProtocolError,
    RejectedError,
    ResolveError,
    ServerDownError,
    ServerError,
    TimeoutError,
    TlsError,
    UnsupportedError,
    UnsupportedValueError,
    ValueTooLargeError,
)
from .explanation import Explanation
from .metrics import Event, Events, ServerMetrics

__all__ = [
    "ArgumentError",
    "AuthError",
    "BusyError",
    "CancelledError",
    "Client",
    "ClosedError",
    "ConnectionError",
    "Event",
    "Events",
    "Explanation",
    "InvalidKeyError",
    "MemcachedError",
    "NoMemoryError",
    "OptionError",
    "PanicError",
    "ProtocolError",
    "RejectedError",
    "ResolveError",
    "ServerDownError",
    "ServerError",
    "ServerMetrics",
    "TimeoutError",
    "TlsError",
    "UnsupportedError",
    "UnsupportedValueError",
    "ValueTooLargeError",
    "__version__",
]
