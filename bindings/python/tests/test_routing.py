"""Routing by something else than the key: a caller's hash, or a route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Callable

import memcache
import pytest
from support import PATIENT, PROJECT, Memcached
from test_operations import CALLS
from test_placement import VECTORS, fleet_servers, rows

from consistent_memcached import (
    ArgumentError,
    Client,
    ConnectionError,
    Explanation,
    InvalidKeyError,
    UnsupportedError,
)
from consistent_memcached import _library as lib

INT64 = range(-(2**63), 2**63)
TUPLE_KEYS = [
    (fleet, int(number), int(owner), list(map(int, tried.split(","))))
    for _system, _variant, fleet, number, owner, tried in rows(VECTORS / "tuple_keys.tsv")
]


@pytest.fixture
def compatible(servers: list[Memcached]) -> Iterator[Client]:
    """A client of three empty servers that places keys as python-memcached does."""
    with Client(
        [server.address for server in servers], compat="python-memcached", **PATIENT
    ) as client:
        yield client


@pytest.fixture
def peer(servers: list[Memcached]) -> Iterator[Any]:
    """A python-memcached client of the same servers."""
    peer = memcache.Client([server.address for server in servers])
    yield peer
    peer.disconnect_all()


@pytest.fixture
def singles(servers: list[Memcached]) -> Iterator[list[Client]]:
    """A client of each server."""
    clients = [Client(server.address, **PATIENT) for server in servers]
    yield clients
    for client in clients:
        client.close()


def holders(singles: list[Client], key: str) -> list[int]:
    """Which servers hold an item of that key."""
    return [index for index, client in enumerate(singles) if client.get(key) is not None]


# The caller's hash


def test_every_hash_of_python_memcached() -> None:
    checked = refused = 0
    for name in sorted({fleet for fleet, *_ in TUPLE_KEYS}):
        servers = fleet_servers(name)
        with Client(servers, compat="python-memcached") as client:
            identities = [client.explain((n, "key")).identity for n in _owners(client, servers)]
            for fleet, number, owner, tried in TUPLE_KEYS:
                if fleet != name:
                    continue
                if number not in INT64:
                    with pytest.raises(ArgumentError, match=f"hash {number} is not in"):
                        client.select_server((number, "key"))
                    refused += 1
                    continue
                assert client.select_server((number, "key")) == owner
                found = client.explain((number, "another"))
                assert (found.server, found.identity) == (owner, identities[owner])
                first = [identities[index] for index in dict.fromkeys(tried)]
                assert list(found.sequence[: len(first)]) == first
                checked += 1
    assert (checked, refused) == (594, 6)


def _owners(client: Client, servers: list[tuple[str, int]]) -> list[int]:
    """A hash that each server owns."""
    total = sum(weight for _, weight in servers)
    by_owner = {client.select_server((n, "key")): n for n in range(total)}
    return [by_owner[index] for index in range(len(servers))]


def test_items_are_stored_where_the_hash_says(compatible: Client, singles: list[Client]) -> None:
    for number in (0, 1, 2, -1, -2, 2**63 - 1, -(2**63)):
        assert compatible.set((number, f"key:{number}"), number)
        assert compatible.get((number, f"key:{number}")) == number
        assert holders(singles, f"key:{number}") == [number % 3]


@pytest.mark.parametrize("name", ["key", b"key", "clé"])
def test_every_operation_goes_where_the_hash_says(
    compatible: Client, singles: list[Client], name: str | bytes
) -> None:
    for number, single in enumerate(singles):
        every_operation(compatible, single, (number, name), {})


@pytest.mark.parametrize("route", ["user:7", b"user:8", "clé"])
def test_every_operation_goes_where_the_route_says(
    client: Client, singles: list[Client], route: str | bytes
) -> None:
    owner = client.select_server(route)
    away = (f"key:{n}" for n in range(100))
    name = next(key for key in away if client.select_server(key) != owner)
    every_operation(client, singles[owner], name, {"route": route})


def every_operation(client: Client, single: Client, key: Any, route: dict[str, Any]) -> None:
    """Run each operation and look at the item from the one server that must hold it."""
    name = key[1] if isinstance(key, tuple) else key
    assert client.get(key, **route) is None
    assert client.get(key, b"default", **route) == b"default"
    assert client.gets(key, **route) is None
    assert client.replace(key, "x", **route) is False
    assert client.append(key, "x", **route) is False
    assert client.delete(key, **route) is False
    assert client.touch(key, **route) is False
    assert client.incr(key, **route) is None
    assert client.add(key, "b", **route) is True
    assert single.get(name) == "b"
    assert client.add(key, "x", **route) is False
    assert client.append(key, "c", **route) is True
    assert client.prepend(key, "a", **route) is True
    assert single.get(name) == client.get(key, **route) == "abc"
    assert client.replace(key, b"\0\xff\0", 100, **route) is True
    assert single.get(name) == client.get(key, **route) == b"\0\xff\0"
    assert client.gets(key, **route) == b"\0\xff\0"
    assert client.cas(key, 20, **route) is True
    assert single.get(name) == 20
    assert client.gets(key, **route) == 20
    single.set(name, 30)
    assert client.cas(key, 40, **route) is False
    assert client.incr(key, 2**64 - 1, **route) == 29
    assert client.decr(key, 9, **route) == 20
    assert single.get(name) == 20
    assert client.touch(key, -1, **route) is True
    assert single.get(name) is None
    assert client.set(key, b"", **route) is True
    assert client.get(key, **route) == b""
    assert client.get_multi([key], **route) == {key: b""}
    assert client.delete(key, **route) is True
    assert single.get(name) is None
    assert client.set_multi({key: "many"}, 100, **route) == []
    assert single.get(name) == "many"
    assert client.get_multi([key], **route) == {key: "many"}
    assert client.delete_multi([key], **route) is True
    assert single.get(name) is None


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64 - 1, 10**30])
@pytest.mark.parametrize("call", CALLS)
def test_a_hash_that_does_not_fit_is_named(client: Client, call: str, number: int) -> None:
    with pytest.raises(ArgumentError, match=f"hash {number} is not in"):
        CALLS[call](client, (number, "key"))


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_tuple_of_hash_and_key_is_refused(client: Client, call: str) -> None:
    for key in (("k", 1), (1.5, "k"), (1, 2), (1, (1, "k")), (1, "k", "k"), ()):
        with pytest.raises(TypeError):
            CALLS[call](client, key)
    with pytest.raises(InvalidKeyError):
        CALLS[call](client, (1, "a b"))


@pytest.mark.parametrize("call", CALLS)
def test_compat_pymemcache_takes_no_hash(servers: list[Memcached], call: str) -> None:
    addresses = [server.address for server in servers]
    with Client(addresses, compat="pymemcache", **PATIENT) as client:
        client.gets("key")
        with pytest.raises(ArgumentError if call == "cas" else UnsupportedError):
            CALLS[call](client, (1, "key"))
        with pytest.raises(UnsupportedError):
            client.explain((1, "key"))
        assert client.set("key", 1, route="user:7")
        assert client.get("key", route="user:7") == 1


def test_a_cas_id_belongs_to_the_item_that_was_read(compatible: Client) -> None:
    compatible.set((0, "key"), 1)
    compatible.gets((0, "key"))
    for key in ("key", (1, "key")):
        with pytest.raises(ArgumentError, match="gets"):
            compatible.cas(key, 2)
    with pytest.raises(ArgumentError, match="gets"):
        compatible.cas("key", 2, route="user:7")
    assert compatible.cas((0, b"key"), 2) is True


# Many keys


def test_multi_has_the_shapes_of_python_memcached(compatible: Client, peer: Any) -> None:
    values: dict[Any, Any] = {(n, f"key:{n}"): n for n in range(50)}
    values |= {"plain": "text", (7, b"bytes"): b"\0", (-5, "clé"): ""}
    keys = [*values, (3, "absent"), "absent"]
    for writer, reader in ((peer, compatible), (compatible, peer)):
        assert writer.set_multi(values) == []
        assert reader.get_multi(keys) == values
        assert compatible.get_multi(keys) == values
        assert compatible.delete_multi(keys) is True
        assert peer.get_multi(keys) == compatible.get_multi(keys) == {}


def test_set_multi_returns_tuples_as_they_were_given(compatible: Client, peer: Any) -> None:
    values = {(1, "small"): b"1", (2, "large"): bytes(2 << 20)}
    peer.server_max_value_length = 0  # leave it to the server, as we do
    assert peer.set_multi(values) == compatible.set_multi(values) == [(2, "large")]
    assert compatible.get_multi(values) == peer.get_multi(values) == {(1, "small"): b"1"}


def test_one_key_under_two_hashes_is_two_items(compatible: Client) -> None:
    values = {(0, "key"): "zero", (1, "key"): "one"}
    assert compatible.set_multi(values) == []
    assert compatible.get_multi(values) == values


def test_a_bad_tuple_key_fails_alone(client: Client) -> None:
    values: dict[Any, bytes] = {(1, "good"): b"1", (2, "bad key"): b"2", "fine": b"3"}
    assert client.set_multi(values) == [(2, "bad key")]
    with pytest.raises(InvalidKeyError) as caught:
        client.get_multi(values)
    assert caught.value.results == {(1, "good"): b"1", "fine": b"3"}
    assert caught.value.failed == {(2, "bad key"): -2}
    with pytest.raises(InvalidKeyError) as caught:
        client.delete_multi(values)
    assert caught.value.failed == {(2, "bad key"): -2}
    assert client.get_multi(values.keys() - {(2, "bad key")}) == {}


def test_nothing_is_sent_when_a_hash_does_not_fit(client: Client) -> None:
    keys: list[Any] = ["plain", (2**63, "key")]
    with pytest.raises(ArgumentError):
        client.set_multi(dict.fromkeys(keys, 1))
    assert client.get("plain") is None


def test_a_server_that_is_gone(fleet: list[Memcached]) -> None:
    values = {(n, f"key:{n}"): n for n in range(30)}
    addresses = [server.address for server in fleet]
    with Client(addresses, compat="python-memcached", failover="none", **PATIENT) as client:
        assert client.set_multi(values) == []
        fleet[1].stop()
        lost = [key for key in values if key[0] % 3 == 1]
        held = {key: value for key, value in values.items() if key[0] % 3 != 1}
        with pytest.raises(ConnectionError) as caught:
            client.get_multi(values)
        assert caught.value.server == fleet[1].address
        assert caught.value.results == held
        assert caught.value.failed.keys() == set(lost)
        assert client.set_multi(values) == lost
        with pytest.raises(ConnectionError):
            client.get(lost[0])
        with pytest.raises(ConnectionError):
            client.set_multi(dict.fromkeys(lost, 1))


def test_many_large_values_stay_whole(client: Client) -> None:
    values = {f"large:{n}": bytes([n]) * 100_000 for n in range(40)}
    assert client.set_multi(values, route="user:7") == []
    assert client.get_multi(values, route="user:7") == values


# The route


def test_keys_of_one_route_share_a_server(fleet: list[Memcached]) -> None:
    keys = [f"key:{n}" for n in range(100)]
    owners = set()
    # Names, because ports change from run to run, and owners with them.
    with Client(
        [f"{server.address} name=server{n}" for n, server in enumerate(fleet)], **PATIENT
    ) as client:
        for n in range(20):
            route = f"user:{n}"
            assert client.set_multi(dict.fromkeys(keys, n), route=route) == []
            owner = client.select_server(route)
            owners.add(owner)
            assert {client.select_server(key, route=route) for key in keys} == {owner}
            assert {client.explain(key, route=route).server for key in keys} == {owner}
            items = [int(stats["curr_items"]) for _, stats in client.get_stats()]
            assert items == [100 if index == owner else 0 for index in range(3)]
            assert client.get_multi(keys, route=route.encode()) == dict.fromkeys(keys, n)
            assert client.delete_multi(keys, route=route) is True
    assert owners == {0, 1, 2}


def test_nothing_at_all(client: Client) -> None:
    assert client.get_multi([], route="user:7") == {}
    assert client.set_multi({}, route="user:7") == []
    assert client.delete_multi([], route="user:7") is True


ROUTED: dict[str, Callable[[Client, Any, Any], object]] = {
    "get": lambda client, key, route: client.get(key, route=route),
    "gets": lambda client, key, route: client.gets(key, route=route),
    "set": lambda client, key, route: client.set(key, b"", route=route),
    "add": lambda client, key, route: client.add(key, b"", route=route),
    "replace": lambda client, key, route: client.replace(key, b"", route=route),
    "cas": lambda client, key, route: client.cas(key, b"", route=route),
    "append": lambda client, key, route: client.append(key, b"", route=route),
    "prepend": lambda client, key, route: client.prepend(key, b"", route=route),
    "delete": lambda client, key, route: client.delete(key, route=route),
    "touch": lambda client, key, route: client.touch(key, route=route),
    "incr": lambda client, key, route: client.incr(key, route=route),
    "decr": lambda client, key, route: client.decr(key, route=route),
    "get_multi": lambda client, key, route: client.get_multi([key], route=route),
    "set_multi": lambda client, key, route: client.set_multi({key: b""}, route=route),
    "delete_multi": lambda client, key, route: client.delete_multi([key], route=route),
    "select_server": lambda client, key, route: client.select_server(key, route=route),
    "explain": lambda client, key, route: client.explain(key, route=route),
}


@pytest.mark.parametrize("call", ROUTED)
def test_wrong_routes(client: Client, call: str) -> None:
    with pytest.raises(ArgumentError, match="route is empty"):
        ROUTED[call](client, "key", "")
    with pytest.raises(ArgumentError, match="both hash 5 and a route"):
        ROUTED[call](client, (5, "key"), "user:7")
    with pytest.raises(TypeError, match="a route is str or bytes"):
        ROUTED[call](client, "key", 7)
    with pytest.raises(TypeError, match="a key is str or bytes"):
        ROUTED[call](client, 7, "user:7")


# Explanations


def test_explanations() -> None:
    servers = ["10.0.0.1", "10.0.0.2 name=two", "10.0.0.3"]
    identities = ["10.0.0.1:11211", "two", "10.0.0.3:11211"]
    kinds = {
        "python-memcached": "slot",
        "libmemcached-ketama": "point",
        "pymemcache": "score",
    }
    for compat, kind in kinds.items():
        with Client(servers, compat=compat) as client:
            found = {key: client.explain(key) for key in map(str, range(100))}
            for key, explanation in found.items():
                assert explanation.server == client.select_server(key)
                assert explanation.identity == explanation.sequence[0]
                assert explanation.position_kind == kind
            # python-memcached's rule ends after some tries: not every server is in it.
            assert any(set(one.sequence) == set(identities) for one in found.values())
            assert len({one.position for one in found.values()}) > 1
            assert {one.identity for one in found.values()} == set(identities)
            assert client.explain("key", route="1") == found["1"]


def test_an_explanation_is_a_plain_value() -> None:
    with Client("10.0.0.1, 10.0.0.2", distribution="modulo", hash="crc32") as client:
        found = client.explain((5, "key"))
    sequence = ("10.0.0.2:11211", "10.0.0.1:11211")
    assert found == Explanation(1, "10.0.0.2:11211", "slot", 1, sequence)
    assert hash(found) == hash(Explanation(1, "10.0.0.2:11211", "slot", 1, sequence))
    with pytest.raises(AttributeError):
        found.server = 2  # type: ignore[misc]


def test_explain_refuses_a_bad_key(client: Client) -> None:
    with pytest.raises(InvalidKeyError):
        client.explain("a b")


def test_structs_are_laid_out_as_in_the_header() -> None:
    header = (PROJECT / "include" / "consistent_memcached.h").read_text()
    for name, struct in (("cm_op", lib.Operation), ("cm_explanation", lib.Explanation)):
        body = header.split(f"typedef struct {name} {{")[1].split("}")[0]
        code = (line.strip() for line in body.splitlines())
        fields = [line.rstrip(";").split()[-1].lstrip("*") for line in code if line.endswith(";")]
        assert [field[0] for field in struct._fields_] == fields
