"""The packed form: a batch crosses into the library as a few flat buffers and back as one."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from ctypes import c_uint64, c_void_p, string_at
from struct import Struct

from ._library import cm_block_free

HEAD_SIZE = 16
_SIZE_OFFSET = 8
RECORD = Struct("=iIQQ40x")  # status, flags, offset of the value, its length


def pack(pieces: Sequence[bytes]) -> tuple[bytes, int, bytes]:
    """Return the pieces as one, its size, and their lengths as uint32_t."""
    joined = b"".join(pieces)
    return joined, len(joined), pack_uint32(map(len, pieces))


def pack_uint32(numbers: Iterable[int]) -> bytes:
    """Return numbers as an array of uint32_t."""
    return array("I", numbers).tobytes()


def take_block(block: c_void_p) -> bytes:
    """Copy a block of results and free it."""
    try:
        address: int = block.value  # type: ignore[assignment]
        return string_at(address, c_uint64.from_address(address + _SIZE_OFFSET).value)
    finally:
        cm_block_free(block)


def records(block: bytes, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield status, flags, offset and length of each result."""
    return RECORD.iter_unpack(memoryview(block)[HEAD_SIZE : HEAD_SIZE + count * RECORD.size])
