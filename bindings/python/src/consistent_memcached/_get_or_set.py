"""Values made on a miss, by one caller for all.

The one place where the binding decides rather than translates: what to do needs ``make``,
which only Python can call. The leases are memcached's. Who reads a missing key first wins
the right to make its value, as does who first reads an item that is about to expire or was
invalidated; a cas id comes with it.
"""

from __future__ import annotations

import random
import time
from contextlib import suppress
from datetime import timedelta
from typing import Callable

from . import _library as lib
from ._operations import Answer, execute_one, operation
from ._values import Sent, Time, Value, decode, encode, in_range, seconds
from .errors import (
    ARGUMENT,
    ArgumentError,
    AuthError,
    BusyError,
    ConnectionError,
    MemcachedError,
    ProtocolError,
    ServerError,
    TimeoutError,
    TlsError,
)

# With these a program goes on without its cache. The others are mistakes of its own, or
# will not pass by themselves: without an exception nobody would see that nothing is cached.
_CACHE_FAILS = (
    AuthError,
    BusyError,
    ConnectionError,
    ProtocolError,
    ServerError,
    TimeoutError,
    TlsError,
)

FIRST_PAUSE = 0.004  # seconds, between two looks for somebody else's value
LONGEST_PAUSE = 0.25


def get_or_set(
    client: lib.ClientHandle,
    key: Sent,
    make: Callable[[], Value],
    ttl: Time,
    lease: Time,
    refresh_before: Time,
    wait: float | timedelta | None,
) -> Value:
    """Return the value of a key, made if need be; see Client.get_or_set."""
    ttl = seconds(ttl)
    lease = in_range("lease", seconds(lease, "lease"), 1, 1 << 63)
    refresh_before = seconds(refresh_before, "refresh_before")
    if 0 < ttl <= refresh_before:
        text = f"refresh_before {refresh_before} is not shorter than time {ttl}: nothing would last"
        raise ArgumentError(ARGUMENT, text)
    read = operation(lib.OP_GET, key, lease=lease, refresh_before=refresh_before)
    answer = _ask(client, read, 2 * lease if wait is None else _wait_seconds(wait))
    if answer is None:
        return make()
    if answer.state & lib.WON:
        return _make_and_store(client, key, make, ttl, answer)
    return decode(answer.value, answer.flags)


def _wait_seconds(wait: float | timedelta) -> float:
    number = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if not number >= 0:  # nor is a NaN
        raise ArgumentError(ARGUMENT, f"wait {number} is not a time to wait")
    return number


def _ask(client: lib.ClientHandle, read: lib.Operation, wait: float) -> Answer | None:
    """Read until there is a value, or the right to make it; None if there is neither in time.

    A stub is gone when its winner gave up or its lease is over: then this read leaves a new one.
    """
    end = time.monotonic() + wait
    pause = FIRST_PAUSE
    while True:
        try:
            answer = execute_one(client, read)
        except _CACHE_FAILS:
            return None
        if answer.status == lib.OK or answer.state & lib.WON:
            return answer
        left = end - time.monotonic()
        if left <= 0:
            return None
        # Each a little different, so that those who wait do not all come at once.
        time.sleep(min(pause * random.uniform(0.5, 1), left))
        pause = min(2 * pause, LONGEST_PAUSE)


def _make_and_store(
    client: lib.ClientHandle, key: Sent, make: Callable[[], Value], ttl: int, won: Answer
) -> Value:
    """Make the value and store it, unless the item is no longer the one that was won."""
    try:
        value = make()
        data, flags = encode(value)
        with suppress(*_CACHE_FAILS):
            execute_one(client, operation(lib.OP_CAS, key, data, flags, ttl, won.cas))
    except BaseException:
        _give_back(client, key, won)
        raise
    return value


def _give_back(client: lib.ClientHandle, key: Sent, won: Answer) -> None:
    """Let the next one win: without the stub; or with the old value, marked as such."""
    want = lib.WANT_INVALIDATE if won.status == lib.OK else 0
    with suppress(MemcachedError):  # what made this necessary is what the caller is told
        execute_one(client, operation(lib.OP_DELETE, key, cas=won.cas, want=want))
