"""The client."""

from __future__ import annotations

import threading
from ctypes import c_uint64, c_void_p
from datetime import timedelta
from types import TracebackType
from typing import Any, Callable, TypeVar, overload

from . import _library as lib
from ._config import Option, Servers, c_string, server_text, settings, split_servers
from ._get_or_set import get_or_set
from ._multi import MultiMethods
from ._operations import execute_one, operation
from ._servers import ServerMethods
from ._values import (
    Key,
    Name,
    RoutedKey,
    Sent,
    Time,
    Value,
    decode,
    encode,
    encode_key,
    in_range,
    seconds,
)
from .errors import ARGUMENT, ArgumentError

D = TypeVar("D")


class Client(MultiMethods, ServerMethods):
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
        with settings(options) as made:
            lib.check(lib.cm_client_new(c_string(text), made, self._handle, error), error)

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
            with settings(placement) as made:
                status = lib.cm_client_set_fleet(self._handle, c_string(text), made, error)
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

    def get_or_set(
        self,
        key: Key,
        make: Callable[[], Value],
        time: Time = 0,
        *,
        lease: Time = 10,
        refresh_before: Time = 0,
        wait: float | timedelta | None = None,
        route: Name | None = None,
    ) -> Value:
        """Return the value; on a miss call ``make``, store what it returns, and return that.

        Of all threads and processes that miss the key one calls ``make``; the others wait
        for what it stores. Whatever deletes or writes the key meanwhile wins: what was made is
        returned, but not stored.

        - ``lease``: for so long, rounded up to seconds, the others leave it to the first. It is
          to be longer than ``make`` takes: after it the next one begins, and what the first
          made is not stored.
        - ``refresh_before``: once the item has less than this left, the first who reads it
          makes a new value, while the others get the old one at once. Shorter than ``time``.
        - ``wait``: seconds to wait for somebody else's value, then ``make`` is called and its
          result returned, not stored. By default twice ``lease``, so that there is time for
          another one to take over; 0 does not wait.

        What ``make`` raises is the caller's; the next caller is then the one to call it. An
        old value stays, for ``get`` too. If the servers cannot be used, ``make`` is called and
        its result returned, not stored. Mistakes raise as elsewhere: a wrong argument, a
        value that is too large or of a type that ``set`` does not take, an item that cannot be
        read, a server without the meta commands of memcached 1.6.
        """
        name = encode_key(key, route)
        return get_or_set(self._handle, name, make, time, lease, refresh_before, wait)

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

    def invalidate(self, key: Key, time: Time, *, route: Name | None = None) -> bool:
        """Call the item's value old; False if there is no item.

        The next ``get_or_set`` makes a new one. Meanwhile all reads go on with the old one,
        for ``time`` at most: then the item expires. With 0 it expires when it would have.
        """
        name = encode_key(key, route)
        mark = operation(lib.OP_DELETE, name, ttl=seconds(time), want=lib.WANT_INVALIDATE)
        return execute_one(self._handle, mark).status == lib.OK

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


class _CasIds(threading.local):
    """The cas ids that a thread has got by ``gets`` and not used yet."""

    def __init__(self) -> None:
        self.by_key: dict[Sent, int] = {}
