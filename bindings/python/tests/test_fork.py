"""A client made before a fork works in parent and children, which share no connection."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import SimpleQueue

import pytest
from support import PATIENCE, PATIENT, Memcached

from consistent_memcached import Client

WORKERS = 4
ROUNDS = 100

fork = multiprocessing.get_context("fork")

# Python warns of a fork while there are threads; this is what the tests are about.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def exercise(client: Client, name: str) -> int:
    """Write and read keys, some of which all have in common. Return how many were wrong."""
    wrong = 0
    for i in range(ROUNDS):
        own, common = f"{name}:{i}", f"common:{i}"
        client.set(own, own.encode())
        client.set(common, f"{common} of {name}".encode())
        wrong += client.get(own) != own.encode()
        found = client.get(common)
        wrong += not isinstance(found, bytes) or not found.startswith(f"{common} of ".encode())
        both = client.get_multi([own, common])
        wrong += both.get(own) != own.encode() or common not in both
    return wrong


def run_in_child(work: Callable[[], int]) -> int:
    """Fork, as a server does for its workers: the child leaves with `os._exit`. Return its id."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            signal.alarm(int(PATIENCE))
            status = min(work(), 98)
        finally:
            os._exit(status)
    return child


def ended_well(child: int) -> bool:
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def connections(server: Memcached) -> int:
    """How many connections the server has had; each look is one."""
    return server.stat("total_connections")


@contextmanager
def busy(client: Client) -> Iterator[list[int]]:
    """Threads in the middle of calls. What they found wrong is in the list when they have ended."""
    stop = threading.Event()
    wrong: list[int] = []

    def work(name: str) -> None:
        while not stop.is_set():
            wrong.append(exercise(client, name))

    threads = [threading.Thread(target=work, args=(f"thread{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def report(client: Client, name: str, found: SimpleQueue[int]) -> None:
    found.put(exercise(client, name))


@pytest.mark.parametrize("used_before", [True, False])
def test_multiprocessing(client: Client, used_before: bool) -> None:
    if used_before:
        assert exercise(client, "parent") == 0
    found: SimpleQueue[int] = fork.SimpleQueue()
    workers = [
        fork.Process(target=report, args=(client, f"child{i}", found)) for i in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    assert exercise(client, "parent") == 0
    assert [found.get() for _ in workers] == [0] * WORKERS
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert exercise(client, "parent") == 0


def test_a_pool(servers: list[Memcached]) -> None:
    addresses = [server.address for server in servers]
    with Client(addresses, **PATIENT) as client, fork.Pool(WORKERS, start_with, (client,)) as pool:
        assert pool.map(exercise_inherited, range(2 * WORKERS)) == [0] * (2 * WORKERS)
        assert exercise(client, "parent") == 0


inherited: Client


def start_with(client: Client) -> None:
    global inherited
    inherited = client


def exercise_inherited(number: int) -> int:
    return exercise(inherited, f"task{number}")


def test_prefork(client: Client) -> None:
    """As gunicorn with --preload: the application makes the client, then its workers are forked."""
    assert exercise(client, "master") == 0
    workers = [run_in_child(partial(exercise, client, f"worker{i}")) for i in range(WORKERS)]
    assert exercise(client, "master") == 0
    assert [ended_well(worker) for worker in workers] == [True] * WORKERS
    # One that has died is replaced.
    assert ended_well(run_in_child(partial(exercise, client, "replacement")))
    assert exercise(client, "master") == 0


def test_while_threads_are_in_calls(client: Client) -> None:
    with busy(client) as wrong:
        for i in range(10):
            child = run_in_child(partial(exercise, client, f"child{i}"))
            assert exercise(client, "parent") == 0
            assert ended_well(child)
    assert sum(wrong) == 0


def test_no_connection_is_shared(server: Memcached) -> None:
    with Client(server.address, connections_per_server=1, **PATIENT) as client:
        assert exercise(client, "parent") == 0
        before = connections(server)
        assert ended_well(run_in_child(partial(exercise, client, "child")))
        assert connections(server) == before + 2  # the child's, the look
        assert exercise(client, "parent") == 0
        assert connections(server) == before + 3  # the look: the parent's lives on


def test_closed_in_the_child_only(server: Memcached) -> None:
    def close() -> int:
        client.close()
        return 0

    with Client(server.address, connections_per_server=1, **PATIENT) as client:
        assert exercise(client, "parent") == 0
        before = connections(server)
        assert ended_well(run_in_child(close))
        assert exercise(client, "parent") == 0
        assert connections(server) == before + 1  # the look
