"""The client."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import c_size_t, c_uint64, c_void_p
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, TypeVar, Union, overload

from . import _library as lib
from ._config import Option, Servers, c_string, option_text, server_text, split_servers
from ._operations import call, execute_one, execute_packed, operation
from ._packed import call_packed, pack, pack_keys, pack_uint32, records, statuses
from ._values import (
    Key,
    Name,
    RoutedKey,
    Sent,
    Value,
    decode,
    encode,
    encode_key,
    in_range,
    seconds,
)
from .errors import ARGUMENT, ArgumentError, UnsupportedValueError, partly
from .explanation import Explanation, explain
from .metrics import Events, ServerMetrics, events, metrics, prometheus

K = TypeVar("K", bound=Key)
D = TypeVar("D")
Time = Union[int, timedelta]


class Client:
    """A memcached client for a fleet of servers.

    ``servers`` is one text or a list of texts ``"ADDRESS [weight=N] [name=ID]"``; in a
    list ``(address, weight)`` will do too. Options are the library's, by name::

        Client(["10.0.0.1:11211", "10.0.0.2:11211 weight=2"], timeout_ms=500, key_prefix="app:")

    Making a client connects to nothing. A client may be used by any number of threads at
    once, and by the children of a fork.

    Names and return values are python-memcached's, and so are the flags that tell the
    types of values. A key is a str (sent as UTF-8) or bytes, or a tuple ``(hash, key)``: the
    integer then takes the place of the key's hash. With ``route``, keys go where that text
    would go as a key. Both only choose the server: who reads an item gives what its writer
    gave. A value is bytes, str or int and is read back as such. Pickling and compression
    are yet to come: other types are a TypeError, and an item that another client pickled is
    an UnsupportedValueError.

    ``time`` is seconds from now, or a timedelta, until an item expires; 0 is never.

    What fails raises a MemcachedError. None, False and an absent key only ever mean that
    a server answered so.
    """

    def __init__(self, servers: Servers, **options: Option) -> None:
        """Check the servers and options, and open nothing."""
        text = server_text(servers)
        self._servers = split_servers(text)
        self._cas_ids = _CasIds()
        self._handle = lib.ClientHandle()
        error = c_void_p()
        with _settings(options) as settings:
            lib.check(lib.cm_client_new(c_string(text), settings, self._handle, error), error)

    def __enter__(self) -> Client:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close all connections, from any thread and as often as you like.

        Calls that wait for a server raise ClosedError, and so do all later ones.
        """
        lib.cm_client_close(self._handle)

    def set_servers(self, servers: Servers, **placement: Option) -> None:
        """Go on with another list of servers, from the next call on.

        With options such as ``distribution``, keys are placed by them from then on. A server
        that stays, under the same name and address, keeps its connections. After an error
        the old list stays. From any thread.
        """
        text = server_text(servers)
        error = c_void_p()
        if placement:
            with _settings(placement) as settings:
                status = lib.cm_client_set_fleet(self._handle, c_string(text), settings, error)
        else:
            status = lib.cm_client_set_servers(self._handle, c_string(text), error)
        lib.check(status, error)
        self._servers = split_servers(text)

    @overload
    def get(self, key: Key, *, route: Name | None = None) -> Value | None: ...

    @overload
    def get(self, key: Key, default: D, *, route: Name | None = None) -> Value | D: ...

    def get(self, key: Key, default: Any = None, *, route: Name | None = None) -> Any:
        """Return the value, or ``default`` on a miss."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            answer = execute_one(self._handle, operation(lib.OP_GET, name))
            return decode(answer.value, answer.flags) if answer.status == lib.OK else default
        result = lib.ResultPointer()
        error = c_void_p()
        status = lib.cm_get(self._handle, name, len(name), result, error)
        if status > 0:
            return default
        if status < 0:
            raise lib.failure(status, error)
        try:
            item = result.contents
            data, flags = item.value[: item.value_len], item.flags
        finally:
            lib.cm_result_free(result)
        return decode(data, flags) if flags else data

    def gets(self, key: Key, *, route: Name | None = None) -> Value | None:
        """Return the value, or None on a miss, and remember the item's version for ``cas``."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            gets = operation(lib.OP_GET, name, want=lib.WANT_CAS)
            answer = execute_one(self._handle, gets)
            if answer.status > 0:
                return None
            value = decode(answer.value, answer.flags)
            self._cas_ids.by_key[name] = answer.cas
            return value
        result = lib.ResultPointer()
        error = c_void_p()
        if lib.check(lib.cm_gets(self._handle, name, len(name), result, error), error) > 0:
            return None
        try:
            item = result.contents
            value = decode(item.value[: item.value_len], item.flags)
            self._cas_ids.by_key[name] = item.cas
        finally:
            lib.cm_result_free(result)
        return value

    def set(self, key: Key, value: Value, time: Time = 0, *, route: Name | None = None) -> bool:
        """Store the value. A value that is too large for the server removes the old one."""
        return self._store(lib.cm_set, lib.OP_SET, encode_key(key, route), value, seconds(time))

    def add(self, key: Key, value: Value, time: Time = 0, *, route: Name | None = None) -> bool:
        """Store the value unless the key is there already."""
        return self._store(lib.cm_add, lib.OP_ADD, encode_key(key, route), value, seconds(time))

    def replace(self, key: Key, value: Value, time: Time = 0, *, route: Name | None = None) -> bool:
        """Store the value only if the key is there already."""
        return self._store(
            lib.cm_replace, lib.OP_REPLACE, encode_key(key, route), value, seconds(time)
        )

    def cas(self, key: Key, value: Value, time: Time = 0, *, route: Name | None = None) -> bool:
        """Store the value unless somebody changed the item since ``gets`` of this thread.

        Each ``cas`` needs a ``gets`` of its own: without one it is an ArgumentError.
        """
        name = encode_key(key, route)
        cas_id = self._cas_ids.by_key.pop(name, None)
        if cas_id is None:
            raise ArgumentError(ARGUMENT, "cas of a key that this thread has not read by gets")
        return self._store(lib.cm_cas, lib.OP_CAS, name, value, seconds(time), cas_id)

    def reset_cas(self) -> None:
        """Forget what ``gets`` of this thread has remembered."""
        self._cas_ids.by_key.clear()

    def append(self, key: Key, value: Value, *, route: Name | None = None) -> bool:
        """Put the value behind the one that is there; the type of that one stays."""
        return self._extend(lib.cm_append, lib.OP_APPEND, encode_key(key, route), value)

    def prepend(self, key: Key, value: Value, *, route: Name | None = None) -> bool:
        """Put the value before the one that is there; the type of that one stays."""
        return self._extend(lib.cm_prepend, lib.OP_PREPEND, encode_key(key, route), value)

    def delete(self, key: Key, *, route: Name | None = None) -> bool:
        """Delete the item; False if there was none."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            return execute_one(self._handle, operation(lib.OP_DELETE, name)).status == lib.OK
        error = c_void_p()
        return lib.check(lib.cm_delete(self._handle, name, len(name), error), error) == lib.OK

    def touch(self, key: Key, time: Time = 0, *, route: Name | None = None) -> bool:
        """Give the item a new time to expire; False if there is none."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            touch = operation(lib.OP_TOUCH, name, ttl=seconds(time))
            return execute_one(self._handle, touch).status == lib.OK
        error = c_void_p()
        status = lib.cm_touch(self._handle, name, len(name), seconds(time), error)
        return lib.check(status, error) == lib.OK

    def incr(self, key: Key, delta: int = 1, *, route: Name | None = None) -> int | None:
        """Add to the number and return the sum, modulo 2**64; None on a miss."""
        return self._count(lib.cm_increment, lib.OP_INCREMENT, encode_key(key, route), delta)

    def decr(self, key: Key, delta: int = 1, *, route: Name | None = None) -> int | None:
        """Take from the number and return what is left, at least 0; None on a miss."""
        return self._count(lib.cm_decrement, lib.OP_DECREMENT, encode_key(key, route), delta)

    def get_multi(self, keys: Iterable[K], *, route: Name | None = None) -> dict[K, Value]:
        """Return the values that are there, by key as it was given.

        If keys got no answer this raises: the exception has what was answered in
        ``results`` and the keys without an answer in ``failed``.
        """
        keys = list(keys)
        names = pack_keys(keys, route)
        if names:
            block, failure = call_packed(
                lib.cm_get_multi_packed, self._handle, 0, *names, len(keys)
            )
        else:
            routed = (operation(lib.OP_GET, encode_key(key, route)) for key in keys)
            block, failure = execute_packed(self._handle, routed)
        found: dict[K, Value] = {}
        failed: dict[K, int] = {}
        for key, (status, flags, start, size) in zip(keys, records(block, len(keys))):
            if status == lib.OK:
                value = block[start : start + size]
                try:
                    found[key] = decode(value, flags) if flags else value
                except UnsupportedValueError as error:
                    failed[key] = error.status
                    failure = failure or error
            elif status < 0:
                failed[key] = status
        if failure:
            raise partly(failure, found, failed)
        return found

    def set_multi(
        self, mapping: Mapping[K, Value], time: Time = 0, *, route: Name | None = None
    ) -> list[K]:
        """Store the values and return the keys that were not stored, for whatever reason.

        If no server answered at all this raises.
        """
        keys = list(mapping)
        names = pack_keys(keys, route)
        values, flags = zip(*map(encode, mapping.values())) if keys else ((), ())
        ttl = seconds(time)
        if names:
            block, failure = call_packed(
                *(lib.cm_set_multi_packed, self._handle, lib.OP_SET, *names),
                *(*pack(values), pack_uint32(flags), ttl, len(keys)),
            )
        else:
            routed = (
                operation(lib.OP_SET, encode_key(key, route), value, flag, ttl)
                for key, value, flag in zip(keys, values, flags)
            )
            block, failure = execute_packed(self._handle, routed)
        answers = statuses(block, len(keys))
        if failure and max(answers) < 0:
            raise partly(failure, {}, dict(zip(keys, answers)))
        return [key for key, status in zip(keys, answers) if status != lib.OK]

    def delete_multi(self, keys: Iterable[Key], *, route: Name | None = None) -> bool:
        """Delete the items that are there and return True: none of the keys is there now.

        If keys got no answer this raises: the exception has them in ``failed``.
        """
        keys = list(keys)
        names = pack_keys(keys, route)
        if names:
            block, failure = call_packed(
                lib.cm_delete_multi_packed, self._handle, *names, len(keys)
            )
        else:
            routed = (operation(lib.OP_DELETE, encode_key(key, route)) for key in keys)
            block, failure = execute_packed(self._handle, routed)
        if failure:
            answers = zip(keys, statuses(block, len(keys)))
            raise partly(failure, {}, {key: status for key, status in answers if status < 0})
        return True

    def select_server(self, key: Key, *, route: Name | None = None) -> int:
        """Return which server of the list, counted from 0, is the key's."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            return explain(self._handle, name).server
        index = c_size_t()
        error = c_void_p()
        lib.check(lib.cm_select_server(self._handle, name, len(name), index, error), error)
        return index.value

    def explain(self, key: Key, *, route: Name | None = None) -> Explanation:
        """Return where the key belongs, and why. Asks no server."""
        return explain(self._handle, encode_key(key, route))

    def get_stats(self, stat_args: str = "") -> list[tuple[str, dict[str, str]]]:
        """Return each server, as it was given, with its statistics.

        ``stat_args`` asks for special ones, such as ``"items"``. If a server gives no
        answer this raises; the exception has those of the others in ``results``.
        """
        argument = stat_args.encode()
        return list(self._all_servers(lib.cm_stats, argument, len(argument)).items())

    def flush_all(self, delay: int = 0) -> None:
        """Remove every item of every server, ``delay`` seconds from now."""
        self._all_servers(lib.cm_flush_all, seconds(delay))

    def metrics(self) -> list[ServerMetrics]:
        """Return what is known of each server, in the order of the list. Asks no server.

        Counts begin when the client is made, and anew in a child of a fork.
        """
        return metrics(self._handle)

    def events(self) -> Events:
        """Return what has become of the servers since this was last asked, by any thread.

        A client keeps the last 1024 changes of state; ``dropped`` is how many more there were.
        """
        return events(self._handle)

    def prometheus(self) -> str:
        """Return the metrics in Prometheus' text format, version 0.0.4. Asks no server."""
        return prometheus(self._handle)

    def _store(
        self, function: Callable[..., int], kind: int, name: Sent, value: Value, *ttl_and_cas: int
    ) -> bool:
        data, flags = encode(value)
        if type(name) is RoutedKey:
            store = operation(kind, name, data, flags, *ttl_and_cas)
            return execute_one(self._handle, store).status == lib.OK
        error = c_void_p()
        item = name, len(name), data, len(data), flags
        return lib.check(function(self._handle, *item, *ttl_and_cas, error), error) == lib.OK

    def _extend(self, function: Callable[..., int], kind: int, name: Sent, value: Value) -> bool:
        data, _ = encode(value)
        if type(name) is RoutedKey:
            return execute_one(self._handle, operation(kind, name, data)).status == lib.OK
        error = c_void_p()
        status = function(self._handle, name, len(name), data, len(data), error)
        return lib.check(status, error) == lib.OK

    def _count(self, function: Callable[..., int], kind: int, name: Sent, delta: int) -> int | None:
        delta = in_range("delta", delta, 0, 1 << 64)
        if type(name) is RoutedKey:
            answer = execute_one(self._handle, operation(kind, name, delta=delta))
            return answer.number if answer.status == lib.OK else None
        number = c_uint64()
        error = c_void_p()
        status = function(self._handle, name, len(name), delta, number, error)
        return number.value if lib.check(status, error) == lib.OK else None

    def _all_servers(
        self, function: Callable[..., int], *arguments: Any
    ) -> dict[str, dict[str, str]]:
        """Return what each server answered to a call that asks them all."""
        results, failure = call(function, self._handle, *arguments)
        answers: dict[str, dict[str, str]] = {}
        failed: dict[str, int] = {}
        for server, result in zip(self._servers, results):
            if result.status == lib.OK:
                answers[server] = _parse_lines(result.value.decode())
            else:
                failed[server] = result.status
        if failure:
            raise partly(failure, answers, failed)
        return answers


@contextmanager
def _settings(options: Mapping[str, Option]) -> Iterator[int]:
    """Make the library's options, for as long as the block runs."""
    settings = lib.cm_options_new()
    error = c_void_p()
    try:
        for name, value in options.items():
            setting = c_string(name), c_string(option_text(name, value))
            lib.check(lib.cm_options_set(settings, *setting, error), error)
        yield settings
    finally:
        lib.cm_options_free(settings)


class _CasIds(threading.local):
    """The cas ids that a thread has got by ``gets`` and not used yet."""

    def __init__(self) -> None:
        self.by_key: dict[Sent, int] = {}


def _parse_lines(text: str) -> dict[str, str]:
    """Read lines of NAME and VALUE."""
    return dict(line.partition(" ")[::2] for line in text.split("\n") if line)
