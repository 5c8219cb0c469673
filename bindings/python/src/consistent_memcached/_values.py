"""Keys and values as bytes.

The flags of an item tell the type of its value, with python-memcached's numbers: what
one of the two clients writes, the other reads.
"""

from __future__ import annotations

import operator
from datetime import timedelta
from typing import NamedTuple, Union, final

from .errors import ARGUMENT, UNSUPPORTED, ArgumentError, UnsupportedValueError

Name = Union[str, bytes]
Key = Union[Name, tuple[int, Name]]
Value = Union[bytes, str, int]
Time = Union[int, timedelta]

BYTES = 0
PICKLE = 1
INTEGER = 2
LONG = 4  # an int, as written under Python 2
COMPRESSED = 8
TEXT = 16


@final
class RoutedKey(NamedTuple):
    """A key that something else sends to its server: a hash or a route.

    Final, so that a comparison of types tells it from bytes: isinstance costs more.
    """

    name: bytes
    hash: int | None
    route: bytes | None


Sent = Union[bytes, RoutedKey]


def encode_key(key: Key, route: Name | None = None) -> Sent:
    """Return a key as it is sent; a str as UTF-8."""
    if route is None:
        if isinstance(key, str):
            return key.encode()
        if isinstance(key, bytes):
            return key
    return _routed_key(key, route)


def _routed_key(key: Key, route: Name | None) -> RoutedKey:
    number = None
    name = key
    if isinstance(key, tuple) and len(key) == 2:
        number, name = key
        number = in_range("hash", number, -(1 << 63), 1 << 63)
    if not isinstance(name, (str, bytes)):
        kind = type(name).__name__
        raise TypeError(f"a key is str or bytes, or a tuple of a hash and such a key, not {kind}")
    if route is None:
        return RoutedKey(_encode_name(name), number, None)
    if not isinstance(route, (str, bytes)):
        raise TypeError(f"a route is str or bytes, not {type(route).__name__}")
    if not route:
        raise ArgumentError(ARGUMENT, "the route is empty")
    if number is not None:
        raise ArgumentError(ARGUMENT, f"both hash {number} and a route: a key takes one of them")
    return RoutedKey(_encode_name(name), None, _encode_name(route))


def _encode_name(name: Name) -> bytes:
    return name.encode() if isinstance(name, str) else name


def encode(value: Value) -> tuple[bytes, int]:
    """Return a value as it is stored, and its flags."""
    # By exact type, as in python-memcached: a bool or a subclass of str must come back
    # as what it was.
    if type(value) is bytes:
        return value, BYTES
    if type(value) is str:
        return value.encode(), TEXT
    if type(value) is int:
        return b"%d" % value, INTEGER
    raise TypeError(f"a value is bytes, str or int, not {type(value).__name__}")


def decode(data: bytes, flags: int) -> Value:
    """Return a value as its writer gave it."""
    try:
        if flags == BYTES:
            return data
        if flags == TEXT:
            return data.decode()
        if flags in (INTEGER, LONG):
            return int(data)
    except ValueError as error:
        raise UnsupportedValueError(UNSUPPORTED, f"the item's value: {error}") from error
    if flags & COMPRESSED:
        form = "compressed"
    elif flags & PICKLE:
        form = "pickled"
    else:
        form = "of unknown form"
    raise UnsupportedValueError(UNSUPPORTED, f"the item's value is {form} (flags {flags:#x})")


def seconds(time: Time, name: str = "time") -> int:
    """Return a time in seconds, rounded up: 0 would mean no end."""
    if isinstance(time, timedelta):
        time = -(-time // timedelta(seconds=1))
    return in_range(name, time, -(1 << 63), 1 << 63)


def in_range(name: str, number: int, low: int, high: int) -> int:
    """Return an integer that C can hold; ctypes itself would cut it without a word."""
    number = operator.index(number)
    if not low <= number < high:
        raise ArgumentError(ARGUMENT, f"{name} {number} is not in {low} to {high - 1}")
    return number
