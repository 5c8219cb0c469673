"""The packed form: a batch crosses into the library as a few flat buffers and back as one."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from ctypes import c_void_p
from struct import Struct
from typing import Any, Callable

from . import _library as lib
from ._values import Key, Name, encode_key
from .errors import MemcachedError

HEAD_SIZE = 16  # version, count, and in its last 8 bytes the size of the block
RECORD = Struct("=iIQQ40x")  # int32_t status first, then flags, offset and length of the value


Packed = tuple[bytes, int, bytes]


def pack_keys(keys: Sequence[Key], route: Name | None) -> Packed | None:
    """Return the keys packed; None if they are routed, for which the form has no place."""
    if route is not None:
        return None
    try:
        joined = "".join(keys)  # type: ignore[arg-type]
    except TypeError:  # not all of them are str
        joined = ""
    if joined and joined.isascii():  # then characters are bytes: encode all at once
        return joined.encode(), len(joined), pack_uint32(map(len, keys))
    names = list(map(encode_key, keys))
    try:
        return pack(names)  # type: ignore[arg-type]
    except TypeError:  # not all of them are bytes
        return None


def pack(pieces: Sequence[bytes]) -> Packed:
    """Return the pieces as one, its size, and their lengths as uint32_t."""
    joined = b"".join(pieces)
    return joined, len(joined), pack_uint32(map(len, pieces))


def pack_uint32(numbers: Iterable[int]) -> bytes:
    """Return numbers as an array of uint32_t."""
    return array("I", numbers).tobytes()


def call_packed(
    function: Callable[..., int], *arguments: Any
) -> tuple[bytes, MemcachedError | None]:
    """Return the results of a packed function and the first failure among them."""
    block = lib.BlockPointer()
    error = c_void_p()
    status = function(*arguments, block, error)
    failure = lib.failure(status, error) if status < 0 else None
    if failure and not block:
        raise failure
    return _take_block(block), failure


def _take_block(block: Any) -> bytes:
    """Copy a block of results, a BlockPointer, and free it."""
    try:
        size = int.from_bytes(block[8:HEAD_SIZE], sys.byteorder)
        data: bytes = block[:size]
        return data
    finally:
        lib.cm_block_free(block)


def records(block: bytes, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield status, flags, offset and length of each result."""
    return RECORD.iter_unpack(_records(block, count))


def statuses(block: bytes, count: int) -> list[int]:
    """Return the status of each result."""
    return _records(block, count).cast("i")[:: RECORD.size // 4].tolist()


def _records(block: bytes, count: int) -> memoryview:
    return memoryview(block)[HEAD_SIZE : HEAD_SIZE + count * RECORD.size]
