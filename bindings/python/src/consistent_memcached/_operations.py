"""Operations as the library's cm_op, and what they came to, as its cm_results tell it.

Keys that are not routed have calls of their own, which cost less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import c_void_p, sizeof
from itertools import accumulate
from typing import Any, Callable, NamedTuple

from . import _library as lib
from ._packed import HEAD_SIZE, RECORD
from ._values import RoutedKey, Sent
from .errors import MemcachedError


class Answer(NamedTuple):
    """What an operation came to."""

    status: int
    flags: int
    value: bytes
    cas: int
    number: int
    state: int


def operation(
    kind: int,
    key: Sent,
    value: bytes = b"",
    flags: int = 0,
    ttl: int = 0,
    cas: int = 0,
    *,
    delta: int = 0,
    lease: int = 0,
    refresh_before: int = 0,
    want: int = 0,
) -> lib.Operation:
    """Return an operation; ``kind`` and ``want`` are ``OP_…`` and ``WANT_…``."""
    name, number, route = key if isinstance(key, RoutedKey) else (key, None, None)
    made = lib.Operation(kind, want, name, len(name), value, len(value))
    made.flags, made.ttl_seconds, made.cas, made.delta = flags, ttl, cas, delta
    made.lease_seconds, made.refresh_before_seconds = lease, refresh_before
    if route is not None:
        made.route, made.route_len = route, len(route)
    if number is not None:
        made.want |= lib.WANT_HASH
        made.hash = number
    return made


def execute(
    client: lib.ClientHandle, operations: Sequence[lib.Operation]
) -> tuple[list[Answer], MemcachedError | None]:
    """Run operations; return the answers and the first failure among them."""
    count = len(operations)
    batch = (lib.Operation * count)(*operations)
    return call(lib.cm_execute, client, batch, sizeof(lib.Operation), count, 0)


def execute_one(client: lib.ClientHandle, operation: lib.Operation) -> Answer:
    """Run an operation; raise what a failure is about."""
    (answer,), failure = execute(client, [operation])
    if failure:
        raise failure
    return answer


def execute_packed(
    client: lib.ClientHandle, operations: Iterable[lib.Operation]
) -> tuple[bytes, MemcachedError | None]:
    """Run operations; return what the packed function would return."""
    answers, failure = execute(client, list(operations))
    values = [answer.value for answer in answers]
    start = HEAD_SIZE + len(answers) * RECORD.size
    starts = accumulate(map(len, values), initial=start)
    records = (
        RECORD.pack(answer.status, answer.flags, start, len(answer.value))
        for answer, start in zip(answers, starts)
    )
    return b"".join((bytes(HEAD_SIZE), *records, *values)), failure


def call(
    function: Callable[..., int], *arguments: Any
) -> tuple[list[Answer], MemcachedError | None]:
    """Return the results of a function and the first failure among them."""
    results = c_void_p()
    error = c_void_p()
    status = function(*arguments, results, error)
    failure = lib.failure(status, error) if status < 0 else None
    if failure and not results:
        raise failure
    try:
        return [
            _answer(lib.cm_results_at(results, index).contents)
            for index in range(lib.cm_results_count(results))
        ], failure
    finally:
        lib.cm_results_free(results)


def _answer(result: lib.Result) -> Answer:
    value = result.value[: result.value_len]
    return Answer(result.status, result.flags, value, result.cas, result.number, result.state)
