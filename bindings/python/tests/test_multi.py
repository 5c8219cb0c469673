"""Operations on many keys."""

from __future__ import annotations

from typing import Any

import pytest
from support import PATIENT, Memcached

from consistent_memcached import Client, InvalidKeyError

MANY = {f"key:{n}": b"%d" % n * (n % 50) for n in range(2000)}


def test_set_get_delete(client: Client, servers: list[Memcached]) -> None:
    assert client.set_multi(MANY) == []
    assert client.get_multi(MANY) == MANY
    assert {client.select_server(key) for key in MANY} == set(range(len(servers)))
    assert client.delete_multi(MANY) is True
    assert client.get_multi(MANY) == {}


def test_each_key_gets_its_own_value_at_its_own_server(
    client: Client, servers: list[Memcached]
) -> None:
    client.set_multi(MANY)
    singles = [Client(server.address, **PATIENT) for server in servers]
    for key, value in list(MANY.items())[:200]:
        assert singles[client.select_server(key)].get(key) == value


def test_misses_are_left_out(client: Client) -> None:
    client.set("here", b"1")
    assert client.get_multi(["gone", "here", "away"]) == {"here": b"1"}
    assert client.delete_multi(["gone", "here"]) is True
    assert client.get_multi(["here"]) == {}


def test_nothing_at_all(client: Client) -> None:
    assert client.get_multi([]) == {}
    assert client.set_multi({}) == []
    assert client.delete_multi([]) is True


def test_keys_come_back_as_they_were_given(client: Client) -> None:
    keys: list[str | bytes] = ["text", b"bytes", "clé"]
    assert client.set_multi(dict.fromkeys(keys, 7)) == []
    assert client.get_multi(iter(keys)) == dict.fromkeys(keys, 7)


def test_a_key_twice(client: Client) -> None:
    client.set("key", b"1")
    assert client.get_multi(["key", "key"]) == {"key": b"1"}
    both: list[str | bytes] = ["key", b"key"]
    assert client.get_multi(both) == {"key": b"1", b"key": b"1"}


def test_large_values(client: Client) -> None:
    values = {f"large:{n}": bytes([n]) * 500_000 for n in range(40)}
    assert client.set_multi(values) == []
    assert client.get_multi(values) == values


def test_values_of_all_types(client: Client) -> None:
    values: dict[str, Any] = {"b": b"1", "s": "1", "i": 1, "empty": b"", "none": ""}
    assert client.set_multi(values) == []
    assert client.get_multi(values) == values
    assert list(map(type, client.get_multi(values).values())) == list(map(type, values.values()))


def test_a_bad_key_fails_alone(client: Client) -> None:
    assert client.set_multi({"good": b"1", "bad key": b"2", "fine": b"3"}) == ["bad key"]
    with pytest.raises(InvalidKeyError) as caught:
        client.get_multi(["good", "bad key", "absent", "fine"])
    assert caught.value.results == {"good": b"1", "fine": b"3"}
    assert caught.value.failed == {"bad key": -2}
    with pytest.raises(InvalidKeyError) as caught:
        client.delete_multi(["good", "bad key", "fine"])
    assert caught.value.failed == {"bad key": -2}
    assert client.get_multi(["good", "fine"]) == {}


def test_set_multi_returns_what_the_server_refused(client: Client) -> None:
    assert client.set_multi({"small": b"1", "large": bytes(2 << 20)}) == ["large"]
    assert client.get_multi(["small", "large"]) == {"small": b"1"}
