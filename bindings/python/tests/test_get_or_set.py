"""One makes the value, the others wait for it or go on with the old one."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from support import PATIENCE, PATIENT, Memcached, OldServer, SilentServer, reserve_port, wait_for

from consistent_memcached import (
    ArgumentError,
    Client,
    InvalidKeyError,
    UnsupportedError,
    ValueTooLargeError,
)

SHORT = 0.3  # seconds; so long those wait who are to wait in vain


class Maker:
    """Makes a value when it is told to; knows how often it was asked."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.calls = 0
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> Any:
        self.calls += 1
        self.begun.set()
        assert self.go.wait(PATIENCE)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Making:
    """A ``get_or_set`` of "key" in another thread, which makes the value while the block runs."""

    def __init__(self, client: Client, value: Any, **options: Any) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._arguments = client, options
        self.maker = Maker(value)

    def __enter__(self) -> Future[Any]:
        client, options = self._arguments
        options = {"lease": 1000, "wait": PATIENCE, **options}
        future = self._pool.submit(client.get_or_set, "key", self.maker, **options)
        wait_for(lambda: self.maker.begun.is_set() or future.done())
        assert self.maker.begun.is_set(), "got what was there"
        return future

    def __exit__(self, *raised: object) -> None:
        self.maker.go.set()
        self._pool.shutdown()


def unwanted() -> bytes:
    """Make a value that nobody should have to make."""
    raise AssertionError("made once more")


def test_of_100_threads_one_makes_the_value(client: Client) -> None:
    calls: list[int] = []
    together = threading.Barrier(100)

    def make() -> str:
        calls.append(1)
        time.sleep(SHORT)
        return "made"

    def ask(_: int) -> object:
        together.wait(PATIENCE)
        return client.get_or_set("key", make, 100, lease=1000, wait=PATIENCE)

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(ask, range(100))) == ["made"] * 100
    assert len(calls) == 1
    assert client.get("key") == "made"


def _ask_in_process(address: str, together: Any, answers: Any) -> None:
    with Client(address, **PATIENT) as client:

        def make() -> str:
            client.incr("calls")
            time.sleep(SHORT)
            return "made"

        def ask(_: int) -> object:
            return client.get_or_set("key", make, lease=1000, wait=PATIENCE)

        together.wait(PATIENCE)
        with ThreadPoolExecutor(5) as pool:
            answers.put(list(pool.map(ask, range(5))))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_of_10_processes_one_makes_the_value(
    single: Client, server: Memcached, method: str
) -> None:
    single.set("calls", 0)
    context: Any = multiprocessing.get_context(method)
    together, answers = context.Barrier(10), context.Queue()
    arguments = server.address, together, answers
    processes = [context.Process(target=_ask_in_process, args=arguments) for _ in range(10)]
    for process in processes:
        process.start()
    for _ in processes:
        assert answers.get(timeout=PATIENCE) == ["made"] * 5
    for process in processes:
        process.join(PATIENCE)
        assert process.exitcode == 0
    assert single.get("calls") == 1


@pytest.mark.parametrize("value", [b"", "", 0, "é", b"\0"], ids=repr)
def test_what_was_made_is_found(client: Client, value: Any) -> None:
    assert client.get_or_set("key", lambda: value, timedelta(seconds=90), lease=30) == value
    assert client.get_or_set("key", unwanted) == value
    assert client.get("key") == value


def test_what_was_made_expires(single: Client, server: Memcached) -> None:
    single.get_or_set("key", lambda: "made", timedelta(seconds=90))
    left = int(server.raw(b"mg key t\r\n").split()[1][1:])
    assert 0 < left <= 90


@pytest.mark.parametrize("where", [{"key": (7, "k")}, {"key": "k", "route": "user:7"}], ids=str)
def test_routed_keys(client: Client, where: dict[str, Any]) -> None:
    assert client.get_or_set(make=lambda: "made", **where) == "made"
    assert client.get(**where) == "made"
    assert client.invalidate(time=50, **where)
    assert client.get_or_set(make=lambda: "again", **where) == "again"


@pytest.mark.parametrize(
    "value", [KeyError("no"), None, bytes(2_000_000)], ids=["exception", "no value", "too large"]
)
def test_when_making_fails_the_next_caller_does_it(client: Client, value: Any) -> None:
    waiting = Maker("made")
    waiting.go.set()
    failures = (KeyError, TypeError, ValueTooLargeError)
    with ThreadPoolExecutor(1) as pool:
        with Making(client, value) as failing:
            other = pool.submit(client.get_or_set, "key", waiting, lease=1000, wait=PATIENCE)
        assert isinstance(failing.exception(), failures)
        assert other.result() == "made"
    assert client.get("key") == "made"  # else it was made by one who had waited in vain


def test_a_failure_leaves_nothing(client: Client) -> None:
    with Making(client, KeyError("no")):
        assert not client.add("key", "added")
    assert client.add("key", "added")


def test_a_winner_that_is_gone_loses_the_lease(single: Client, server: Memcached) -> None:
    assert server.raw(b"mg key c N1\r\n").endswith(b" W\r\n")
    assert single.get_or_set("key", lambda: "made", lease=1000, wait=PATIENCE) == "made"
    assert single.get("key") == "made"


def test_a_delete_while_making(client: Client) -> None:
    with Making(client, "late") as late:
        assert client.delete("key")
    assert late.result() == "late"
    assert client.get("key") is None
    with Making(client, "late") as late:
        client.delete("key")
        assert client.get_or_set("key", lambda: "new", wait=SHORT) == "new"
    assert client.get("key") == "new"


def test_a_write_while_making(client: Client) -> None:
    with Making(client, "late") as late:
        client.set("key", "new")
    assert late.result() == "late"
    assert client.get("key") == "new"


def test_early_refresh(client: Client) -> None:
    client.set("key", "old", 100)
    assert client.get_or_set("key", unwanted, 1000, refresh_before=30) == "old"
    with Making(client, "new", time=1000, refresh_before=500) as refreshing:
        for _ in range(3):
            assert client.get_or_set("key", unwanted, 1000, refresh_before=500) == "old"
    assert refreshing.result() == "new"
    assert client.get_or_set("key", unwanted, 1000, refresh_before=500) == "new"


@pytest.mark.parametrize("is_stale", [False, True])
def test_an_old_value_outlives_a_failure(client: Client, is_stale: bool) -> None:
    client.set("key", "old", 100)
    if is_stale:
        client.invalidate("key", 100)
    with Making(client, KeyError("no"), time=1000, refresh_before=500) as failing:
        assert client.get("key") == "old"
    assert isinstance(failing.exception(), KeyError)
    assert client.get("key") == "old"
    assert client.get_or_set("key", lambda: "new") == "new"
    assert client.get("key") == "new"


def test_invalidate(client: Client) -> None:
    assert client.invalidate("key", 60) is False
    client.set("key", "old")
    assert client.invalidate("key", timedelta(minutes=1)) is True
    assert client.get("key") == "old"
    with Making(client, "new") as making:
        assert client.get_or_set("key", unwanted) == "old"
    assert making.result() == "new"
    assert client.get_or_set("key", unwanted) == "new"
    client.invalidate("key", 60)
    with Making(client, "late"):
        client.invalidate("key", 60)
    assert client.get("key") == "new"
    assert client.get_or_set("key", lambda: "newest") == "newest"


def test_an_invalidated_item_expires(client: Client) -> None:
    client.set("key", "old")
    client.invalidate("key", 1)
    wait_for(lambda: client.get("key") is None)


def test_the_wait_is_over(client: Client) -> None:
    with Making(client, "made"):
        for wait in (0, SHORT, timedelta(seconds=SHORT)):
            began = time.monotonic()
            assert client.get_or_set("key", lambda: "mine", wait=wait) == "mine"
            assert time.monotonic() - began >= (SHORT if wait else 0)
            assert client.get("key") is None
        began = time.monotonic()
        assert client.get_or_set("key", lambda: "mine", lease=1) == "mine"
        assert time.monotonic() - began >= 2
    assert client.get("key") == "made"


def test_a_server_that_is_gone() -> None:
    with reserve_port() as reservation:
        address = f"127.0.0.1:{reservation.getsockname()[1]}"
        with Client(address, **PATIENT) as client:
            for _ in range(5):  # at first refused, then left alone
                assert client.get_or_set("key", lambda: "made") == "made"
            with pytest.raises(KeyError):
                client.get_or_set("key", lambda: {"a": b""}["b"])


def test_a_server_that_does_not_answer(silent_server: SilentServer) -> None:
    with Client(silent_server.address, timeout_ms=50) as client:
        assert client.get_or_set("key", lambda: "made") == "made"


@pytest.mark.parametrize("value", ["made", KeyError("no")], ids=str)
def test_a_server_killed_while_making(fleet: list[Memcached], value: Any) -> None:
    with Client(fleet[0].address, **PATIENT) as client:
        with Making(client, value) as making:
            fleet[0].stop()
        if isinstance(value, str):
            assert making.result() == value
        else:
            assert making.exception() is value


@pytest.mark.parametrize(
    "options",
    [
        {"lease": 0},
        {"lease": -1},
        {"wait": -0.1},
        {"wait": float("nan")},
        {"time": 60, "refresh_before": 60},
        {"refresh_before": -1},
        {"time": 1 << 63},
        {"key": b""},
        {"key": b"a b"},
    ],
    ids=str,
)
def test_wrong_arguments(client: Client, options: dict[str, Any]) -> None:
    with pytest.raises((ArgumentError, InvalidKeyError)):
        client.get_or_set(**{"key": "key", "make": unwanted, **options})
    assert client.get_or_set("key", lambda: "made", wait=0) == client.get("key")


def test_an_item_of_another_form_is_no_miss(single: Client, server: Memcached) -> None:
    assert server.raw(b"set key 1 0 1\r\nN\r\n") == b"STORED\r\n"
    with pytest.raises(ValueError, match="pickled"):
        single.get_or_set("key", unwanted)


def test_a_server_without_meta_commands() -> None:
    with OldServer() as server, Client(server.address, **PATIENT) as client:
        for _ in range(2):
            with pytest.raises(UnsupportedError):
                client.get_or_set("key", unwanted)
