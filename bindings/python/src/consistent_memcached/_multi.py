"""Operations on many keys, as methods of the client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from . import _library as lib
from ._operations import execute_packed, operation
from ._packed import call_packed, pack, pack_keys, pack_uint32, records, statuses
from ._values import Key, Name, Time, Value, decode, encode, encode_key, seconds
from .errors import UnsupportedValueError, partly

K = TypeVar("K", bound=Key)


class MultiMethods:
    """The methods that take many keys, all servers at once."""

    _handle: lib.ClientHandle

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
