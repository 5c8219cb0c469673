"""Values keep their type, here and in python-memcached."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import memcache
import pytest
from support import PATIENT, Memcached

from consistent_memcached import Client, UnsupportedError, UnsupportedValueError

VALUES = [b"", b"bytes", bytes(range(256)), "", "text", "naïve ✓", "\0", 0, -1, 42, 2**100, "42"]
FLAGS = {bytes: 0, str: 16, int: 2}


class Text(str):
    """A str that must not come back as a mere str."""


@pytest.fixture
def peer(server: Memcached) -> Iterator[Any]:
    """A python-memcached client of the same server."""
    peer = memcache.Client([server.address])
    yield peer
    peer.disconnect_all()


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_keeps_its_type(single: Client, server: Memcached, value: Any) -> None:
    assert single.set("key", value)
    assert server.flags("key") == FLAGS[type(value)]
    assert same(single.get("key"), value)
    assert same(single.gets("key"), value)
    assert same(single.get_multi(["key"])["key"], value)
    assert single.set_multi({"many": value}) == []
    assert same(single.get("many"), value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_python_memcached_reads_what_we_write(single: Client, peer: Any, value: Any) -> None:
    single.set("key", value)
    assert same(peer.get("key"), value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_we_read_what_python_memcached_writes(single: Client, peer: Any, value: Any) -> None:
    assert peer.set("key", value)
    assert same(single.get("key"), value)


def test_both_count_on(single: Client, peer: Any) -> None:
    peer.set("counter", 5)
    assert single.incr("counter") == 6
    assert peer.incr("counter") == 7
    assert single.get("counter") == 7


def test_the_same_servers_as_python_memcached(servers: list[Memcached]) -> None:
    addresses = [(server.address, weight) for weight, server in enumerate(servers, 1)]
    peer = memcache.Client(addresses)
    values = {f"key:{n}": n for n in range(300)}
    assert peer.set_multi(values) == []
    peer.disconnect_all()
    with Client(addresses, compat="python-memcached", **PATIENT) as client:
        assert client.get_multi(values) == values


def test_a_long_of_python_2(single: Client, server: Memcached) -> None:
    server.raw(b"set key 4 0 2\r\n42\r\n")
    assert single.get("key") == 42


@pytest.mark.parametrize(
    "value", [True, None, 1.5, [1], {}, bytearray(b"x"), memoryview(b"x"), Text("x")], ids=repr
)
def test_another_type_is_refused(single: Client, value: Any) -> None:
    for store in (single.set, single.add, single.replace, single.append, single.prepend):
        with pytest.raises(TypeError, match="a value is bytes, str or int"):
            store("key", value)
    with pytest.raises(TypeError, match="a value is bytes, str or int"):
        single.set_multi({"other": b"", "key": value})
    assert single.get_multi(["key", "other"]) == {}


UNREAD = {
    "pickled": ({"a": 1}, {}),
    "compressed": ("x" * 10_000, {"min_compress_len": 100}),
}


@pytest.mark.parametrize("form", UNREAD)
def test_what_we_cannot_read_is_an_error(single: Client, peer: Any, form: str) -> None:
    value, options = UNREAD[form]
    peer.set("key", value, **options)
    for read in (single.get, single.gets):
        with pytest.raises(UnsupportedValueError, match=form) as caught:
            read("key")
        assert isinstance(caught.value, UnsupportedError)
    assert single.get("absent") is None


@pytest.mark.parametrize(
    ("flags", "data"), [(32, b"x"), (1 << 31, b"x"), (18, b"1"), (2, b"x"), (2, b""), (16, b"\xff")]
)
def test_flags_that_do_not_fit_are_an_error(
    single: Client, server: Memcached, flags: int, data: bytes
) -> None:
    server.raw(b"set key %d 0 %d\r\n%b\r\n" % (flags, len(data), data))
    with pytest.raises(UnsupportedValueError):
        single.get("key")


def test_get_multi_gives_what_it_can_read(single: Client, peer: Any) -> None:
    peer.set_multi({"one": 1, "two": [2], "three": "3"})
    with pytest.raises(UnsupportedValueError) as caught:
        single.get_multi(["one", "two", "three", "absent"])
    assert caught.value.results == {"one": 1, "three": "3"}
    assert caught.value.failed == {"two": caught.value.status}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no limit in this Python")
def test_an_int_that_python_does_not_print(single: Client) -> None:
    with pytest.raises(ValueError, match="digits"):
        single.set("key", 10**5000)
    assert single.get("key") is None
