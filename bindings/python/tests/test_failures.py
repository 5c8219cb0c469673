"""An error never looks like a miss."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from support import PATIENT, Memcached, SilentServer, reserve_port, wait_for

import consistent_memcached
from consistent_memcached import (
    ArgumentError,
    Client,
    ConnectionError,
    MemcachedError,
    OptionError,
    ResolveError,
    ServerDownError,
    TimeoutError,
    errors,
)

CALLS: dict[str, Callable[[Client], object]] = {
    "get": lambda client: client.get("key"),
    "get with a default": lambda client: client.get("key", b""),
    "gets": lambda client: client.gets("key"),
    "set": lambda client: client.set("key", b""),
    "add": lambda client: client.add("key", b""),
    "replace": lambda client: client.replace("key", b""),
    "append": lambda client: client.append("key", b""),
    "prepend": lambda client: client.prepend("key", b""),
    "delete": lambda client: client.delete("key"),
    "touch": lambda client: client.touch("key"),
    "incr": lambda client: client.incr("key"),
    "decr": lambda client: client.decr("key"),
    "get_multi": lambda client: client.get_multi(["key", "other"]),
    "set_multi": lambda client: client.set_multi({"key": b"", "other": b""}),
    "delete_multi": lambda client: client.delete_multi(["key", "other"]),
    "get_stats": lambda client: client.get_stats(),
    "flush_all": lambda client: client.flush_all(),
}


@pytest.fixture
def refused() -> Iterator[str]:
    """An address where nobody listens."""
    with reserve_port() as reservation:
        yield f"127.0.0.1:{reservation.getsockname()[1]}"


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_is_gone(refused: str, call: str) -> None:
    with Client(refused, **PATIENT) as client, pytest.raises(ConnectionError) as caught:
        CALLS[call](client)
    assert caught.value.server == refused
    assert refused in str(caught.value)
    assert caught.value.unsent
    assert isinstance(caught.value, builtins.ConnectionError)


@pytest.mark.parametrize("call", CALLS)
def test_a_server_that_does_not_answer(silent_server: SilentServer, call: str) -> None:
    address = silent_server.address
    with Client(address, timeout_ms=50) as client, pytest.raises(TimeoutError) as caught:
        CALLS[call](client)
    assert caught.value.status == -4
    assert caught.value.server == address
    assert not caught.value.unsent
    assert isinstance(caught.value, builtins.TimeoutError)


def test_a_server_killed_between_calls(fleet: list[Memcached]) -> None:
    server = fleet[0]
    with Client(server.address, **PATIENT) as client:
        client.set("key", b"1")
        server.stop()
        with pytest.raises(ConnectionError):
            client.get("key")


def test_a_server_left_alone_and_found_again(fleet: list[Memcached]) -> None:
    server = fleet[0]
    patient = {**PATIENT, "failure_threshold": 2}
    with (
        Client(server.address, **patient, retry_after_ms=3_600_000) as client,
        Client(server.address, **patient, retry_after_ms=200) as impatient,
    ):
        client.set("key", b"1")
        impatient.set("key", b"1")
        server.stop()
        for _ in range(2):
            with pytest.raises(ConnectionError):
                client.get("key")
        with pytest.raises(ServerDownError):
            client.get("key")
        wait_for(lambda: _outcome(impatient) is ServerDownError)
        server.start()
        wait_for(lambda: _outcome(impatient) is None)
        assert _outcome(client) is ServerDownError


def _outcome(client: Client) -> type[MemcachedError] | None:
    try:
        assert client.get("key") is None
    except MemcachedError as error:
        return type(error)
    return None


@pytest.fixture
def torn(fleet: list[Memcached]) -> Iterator[tuple[Client, list[str], list[str]]]:
    """A client with keys stored, one of three servers killed; keys still held, keys lost."""
    keys = [f"key:{n}" for n in range(60)]
    with Client([server.address for server in fleet], **PATIENT) as client:
        assert client.set_multi(dict.fromkeys(keys, b"1")) == []
        fleet[1].stop()
        lost = [key for key in keys if client.select_server(key) == 1]
        yield client, [key for key in keys if key not in lost], lost


def test_get_multi_raises_with_what_was_answered(
    torn: tuple[Client, list[str], list[str]], fleet: list[Memcached]
) -> None:
    client, held, lost = torn
    absent = next(key for key in map(str, range(100)) if client.select_server(key) != 1)
    with pytest.raises(ConnectionError) as caught:
        client.get_multi([*held, *lost, absent])
    assert caught.value.server == fleet[1].address
    assert caught.value.results == dict.fromkeys(held, b"1")
    assert caught.value.failed.keys() == set(lost)
    assert all(status < 0 for status in caught.value.failed.values())


def test_set_multi_names_what_was_not_stored(torn: tuple[Client, list[str], list[str]]) -> None:
    client, held, lost = torn
    assert sorted(client.set_multi(dict.fromkeys(held + lost, b"2"))) == sorted(lost)
    assert client.get_multi(held) == dict.fromkeys(held, b"2")


def test_set_multi_raises_when_nobody_answers(torn: tuple[Client, list[str], list[str]]) -> None:
    client, _, lost = torn
    with pytest.raises(ConnectionError) as caught:
        client.set_multi(dict.fromkeys(lost, b"2"))
    assert caught.value.failed.keys() == set(lost)


def test_delete_multi_raises(torn: tuple[Client, list[str], list[str]]) -> None:
    client, held, lost = torn
    with pytest.raises(ConnectionError) as caught:
        client.delete_multi(held + lost)
    assert caught.value.failed.keys() == set(lost)
    assert client.get_multi(held) == {}


def test_calls_to_all_servers_raise_with_what_was_answered(
    torn: tuple[Client, list[str], list[str]], fleet: list[Memcached]
) -> None:
    client, held, _ = torn
    living = {fleet[0].address, fleet[2].address}
    for call in (client.get_stats, client.flush_all):
        with pytest.raises(ConnectionError) as caught:
            call()
        assert caught.value.results.keys() == living
        assert caught.value.failed.keys() == {fleet[1].address}
    assert client.get_multi(held) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"no_such_option": 1},
        {"timeout_ms": "soon"},
        {"timeout_ms": -1},
        {"slots": 1000},
        {"tcp_nodelay": "maybe"},
        {"hash": "cmemcache", "distribution": "rehash"},
    ],
    ids=str,
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))) as caught:
        Client("127.0.0.1", **options)
    assert isinstance(caught.value, ValueError)


def test_options_of_every_kind(server: Memcached) -> None:
    with Client(server.address, tcp_nodelay=False, slots=4096, hash="crc32", **PATIENT) as client:
        assert client.set("key", b"1")


@pytest.mark.parametrize("value", [None, 1.5, b"app:"], ids=repr)
def test_an_option_of_another_type(value: Any) -> None:
    with pytest.raises(TypeError, match="key_prefix"):
        Client("127.0.0.1", key_prefix=value)


@pytest.mark.parametrize(
    "servers",
    ["", [], "a,a", ["a", "a"], ["a weight=0"], [("a", 0)], ["a wait=1"], "a:port"],
    ids=repr,
)
def test_wrong_servers(servers: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        Client(servers)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("servers", [["a,b"], ["a\nb"], [("a,b", 1)]], ids=repr)
def test_an_item_of_a_list_is_one_server(servers: Any) -> None:
    with pytest.raises(ValueError, match="more than one server"):
        Client(servers)


def test_a_nul_cuts_nothing() -> None:
    with pytest.raises(ValueError, match="null"):
        Client("127.0.0.1\0.example")
    with pytest.raises(ValueError, match="null"):
        Client("127.0.0.1", key_prefix="app:\0")


def test_a_name_without_address() -> None:
    with Client("no-such-host.invalid", **PATIENT) as client, pytest.raises(ResolveError):
        client.get("key")


def test_every_exception_is_exported() -> None:
    classes = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, MemcachedError)
    ]
    assert classes
    assert set(classes) <= set(consistent_memcached.__all__)


def test_a_status_of_a_later_version() -> None:
    error = errors.error_for(-99, "news")
    assert type(error) is MemcachedError
    assert (error.status, str(error)) == (-99, "news")


def test_exceptions_travel_between_processes() -> None:
    error = errors.error_for(-4, "no answer", "10.0.0.1:11211", unsent=True)
    error.failed = {"key": -4}
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is TimeoutError
    assert (copy.status, copy.message, copy.server) == (-4, "no answer", "10.0.0.1:11211")
    assert (copy.unsent, copy.failed) == (True, {"key": -4})
    assert str(copy) == "10.0.0.1:11211: no answer"
