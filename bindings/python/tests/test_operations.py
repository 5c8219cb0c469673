"""Operations on one key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Callable

import pytest
from support import PATIENT, Memcached, wait_for

from consistent_memcached import (
    ArgumentError,
    Client,
    InvalidKeyError,
    RejectedError,
    ValueTooLargeError,
)

EVERY_BYTE = bytes(range(256))


def test_get_returns_what_set_stored(client: Client) -> None:
    assert client.set("key", b"value") is True
    assert client.get("key") == b"value"


def test_a_miss_is_none_or_the_default(client: Client) -> None:
    assert client.get("absent") is None
    assert client.get("absent", b"default") == b"default"
    assert client.gets("absent") is None


@pytest.mark.parametrize("value", [b"", EVERY_BYTE, b"\r\nEND\r\n", bytes(1_000_000)], ids=len)
def test_bytes_come_back_as_they_were(client: Client, value: bytes) -> None:
    assert client.set("key", value)
    assert client.get("key") == value
    assert client.gets("key") == value
    assert client.get_multi(["key"]) == {"key": value}


def test_every_byte_on_its_own(client: Client) -> None:
    values = {f"byte:{n}": bytes([n]) for n in range(256)}
    assert client.set_multi(values) == []
    assert client.get_multi(values) == values
    assert {key: client.get(key) for key in values} == values


def test_str_and_bytes_name_the_same_key(client: Client) -> None:
    assert client.set("clé:é", b"1")
    assert client.get("clé:é".encode()) == b"1"
    assert client.select_server("clé:é") == client.select_server("clé:é".encode())


@pytest.mark.parametrize("key", ["k", "k" * 250, b"\x80\xff" * 125, "é" * 125], ids=len)
def test_keys_up_to_250_bytes(client: Client, key: Any) -> None:
    assert client.set(key, b"value")
    assert client.get(key) == b"value"
    assert client.get_multi([key]) == {key: b"value"}
    assert client.delete(key)


BAD_KEYS = ["", "k" * 251, "é" * 126, "a b", "a\n", "a\r\n", "a\tb", "a\0b", "a\x7f", b" "]
CALLS: dict[str, Callable[[Client, Any], object]] = {
    "get": lambda client, key: client.get(key),
    "gets": lambda client, key: client.gets(key),
    "set": lambda client, key: client.set(key, b""),
    "add": lambda client, key: client.add(key, b""),
    "replace": lambda client, key: client.replace(key, b""),
    "append": lambda client, key: client.append(key, b""),
    "prepend": lambda client, key: client.prepend(key, b""),
    "delete": lambda client, key: client.delete(key),
    "touch": lambda client, key: client.touch(key),
    "incr": lambda client, key: client.incr(key),
    "decr": lambda client, key: client.decr(key),
    "get_multi": lambda client, key: client.get_multi([key]),
    "set_multi": lambda client, key: client.set_multi({key: b""}),
    "delete_multi": lambda client, key: client.delete_multi([key]),
    "select_server": lambda client, key: client.select_server(key),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
def test_a_bad_key_is_refused(client: Client, call: str, key: Any) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        CALLS[call](client, key)
    assert caught.value.status == -2
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("key", [1, None, ("k",), memoryview(b"k")], ids=repr)
def test_a_key_of_another_type_is_refused(client: Client, call: str, key: Any) -> None:
    with pytest.raises(TypeError, match="a key is str or bytes"):
        CALLS[call](client, key)


def test_add_and_replace(client: Client) -> None:
    assert client.replace("key", b"0") is False
    assert client.add("key", b"1") is True
    assert client.add("key", b"2") is False
    assert client.get("key") == b"1"
    assert client.replace("key", b"3") is True
    assert client.get("key") == b"3"


def test_append_and_prepend_keep_the_type(client: Client) -> None:
    assert client.append("key", "x") is False
    assert client.prepend("key", "x") is False
    client.set("key", "b")
    assert client.append("key", "c") is True
    assert client.prepend("key", b"a") is True
    assert client.get("key") == "abc"


def test_delete(client: Client) -> None:
    client.set("key", b"value")
    assert client.delete("key") is True
    assert client.delete("key") is False
    assert client.get("key") is None


def test_incr_and_decr(client: Client) -> None:
    assert client.incr("counter") is None
    assert client.decr("counter") is None
    client.set("counter", 20)
    assert client.incr("counter") == 21
    assert client.incr("counter", 9) == 30
    assert client.decr("counter", 25) == 5
    assert client.get("counter") == 5
    assert client.decr("counter", 6) == 0
    assert client.incr("counter", 2**64 - 1) == 2**64 - 1
    assert client.incr("counter") == 0


def test_decr_to_fewer_digits_reads_as_int(client: Client) -> None:
    client.set("counter", 100)
    client.decr("counter")
    assert client.get("counter") == 99


def test_incr_of_text_is_an_error(client: Client) -> None:
    client.set("key", "text")
    with pytest.raises(RejectedError):
        client.incr("key")
    assert client.get("key") == "text"


@pytest.mark.parametrize("delta", [-1, 2**64])
def test_a_delta_that_does_not_fit_is_an_error(client: Client, delta: int) -> None:
    client.set("counter", 5)
    for function in (client.incr, client.decr):
        with pytest.raises(ArgumentError):
            function("counter", delta)
    assert client.get("counter") == 5


def test_cas(client: Client) -> None:
    client.set("key", b"1")
    assert client.gets("key") == b"1"
    assert client.cas("key", b"2") is True
    assert client.gets("key") == b"2"
    client.set("key", b"3")
    assert client.cas("key", b"4") is False
    assert client.get("key") == b"3"


def test_cas_of_an_item_that_is_gone(client: Client) -> None:
    client.set("key", b"1")
    client.gets("key")
    client.delete("key")
    assert client.cas("key", b"2") is False
    assert client.get("key") is None


def test_cas_without_gets_never_becomes_set(client: Client) -> None:
    client.set("key", b"1")
    with pytest.raises(ArgumentError, match="gets"):
        client.cas("key", b"2")
    client.gets("key")
    assert client.cas("key", b"3")
    with pytest.raises(ArgumentError, match="gets"):
        client.cas("key", b"4")
    client.gets("key")
    client.reset_cas()
    with pytest.raises(ArgumentError, match="gets"):
        client.cas("key", b"5")
    assert client.get("key") == b"3"


def _ttl(server: Memcached, key: str) -> int:
    """Seconds the item has left; -1 if it never expires."""
    return int(server.raw(f"mg {key} t\r\n".encode()).split()[1][1:])


@pytest.mark.parametrize("time", [100, timedelta(seconds=100), timedelta(seconds=99.5)], ids=str)
@pytest.mark.parametrize("function", ["set", "add", "replace", "cas", "touch", "set_multi"])
def test_time_is_seconds_from_now(
    single: Client, server: Memcached, function: str, time: int | timedelta
) -> None:
    if function != "add":
        single.set("key", b"1")
    single.gets("key")
    if function == "touch":
        assert single.touch("key", time)
    elif function == "set_multi":
        assert single.set_multi({"key": b"2"}, time=time) == []
    else:
        assert getattr(single, function)("key", b"2", time=time)
    assert 90 < _ttl(server, "key") <= 100


def test_without_time_an_item_stays(single: Client, server: Memcached) -> None:
    single.set("key", b"1", time=100)
    assert single.touch("key")
    assert _ttl(server, "key") == -1
    single.set("key", b"1")
    assert _ttl(server, "key") == -1


def test_more_than_thirty_days_are_no_date(single: Client, server: Memcached) -> None:
    forty_days = timedelta(days=40)
    single.set("key", b"1", time=forty_days)
    assert _ttl(server, "key") == pytest.approx(forty_days.total_seconds(), abs=10)


def test_an_item_expires(client: Client) -> None:
    client.set("key", b"1", time=1)
    wait_for(lambda: client.get("key") is None)
    client.set("key", b"1", time=-1)
    assert client.get("key") is None
    assert client.touch("key", 10) is False


def test_a_part_of_a_second_is_not_forever(single: Client) -> None:
    single.set("key", b"1", time=timedelta(milliseconds=1))
    wait_for(lambda: single.get("key") is None)


@pytest.mark.parametrize("time", [2**63, 2**40, -(2**63) - 1])
def test_a_time_that_does_not_fit_is_an_error(client: Client, time: int) -> None:
    with pytest.raises(ArgumentError):
        client.set("key", b"1", time=time)
    assert client.get("key") is None


@pytest.mark.parametrize("time", [0.5, "1", None])
def test_a_time_of_another_type_is_refused(client: Client, time: Any) -> None:
    with pytest.raises(TypeError):
        client.set("key", b"1", time=time)


def test_a_value_too_large_for_the_server(client: Client) -> None:
    client.set("key", b"old")
    with pytest.raises(ValueTooLargeError):
        client.set("key", bytes(2 << 20))
    assert client.get("key") is None
    assert client.set("key", b"new")


def test_key_prefix_is_put_before_every_key(server: Memcached) -> None:
    with (
        Client(server.address, key_prefix="app:", **PATIENT) as client,
        Client(server.address, **PATIENT) as plain,
    ):
        client.set("key", b"1")
        assert plain.get("app:key") == b"1"
        assert client.get_multi(["key"]) == {"key": b"1"}


@pytest.mark.parametrize("as_text", [False, True])
def test_stats(fleet: list[Memcached], as_text: bool) -> None:
    addresses = [server.address for server in fleet]
    with Client(", ".join(addresses) if as_text else addresses, **PATIENT) as client:
        client.set_multi({f"key:{n}": b"" for n in range(100)})
        stats = client.get_stats()
        assert [name for name, _ in stats] == addresses
        assert sum(int(values["curr_items"]) for _, values in stats) == 100
        assert all("maxconns" in values for _, values in client.get_stats("settings"))


def test_flush_all(client: Client) -> None:
    keys = [f"key:{n}" for n in range(100)]
    client.set_multi(dict.fromkeys(keys, b""))
    client.flush_all()
    assert client.get_multi(keys) == {}


def test_flush_all_later(client: Client) -> None:
    client.set("key", b"1")
    client.flush_all(100)
    assert client.get("key") == b"1"
    client.flush_all(1)
    wait_for(lambda: client.get("key") is None)
