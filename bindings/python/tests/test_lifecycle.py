"""Closing, threads, fork, and the end of the interpreter."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from support import PATIENCE, PATIENT, Memcached, SilentServer
from test_failures import CALLS

import consistent_memcached
from consistent_memcached import ArgumentError, Client, ClosedError, OptionError

OPEN_FILES = Path("/proc/self/fd")


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_client(client: Client, call: str) -> None:
    client.set("key", b"1")
    client.close()
    client.close()
    with pytest.raises(ClosedError) as caught:
        CALLS[call](client)
    assert caught.value.status == -16


def test_the_context_closes(server: Memcached) -> None:
    with Client(server.address, **PATIENT) as client:
        client.set("key", b"1")
    with pytest.raises(ClosedError):
        client.get("key")


@pytest.mark.parametrize("call", CALLS)
def test_close_wakes_a_call_in_another_thread(silent_server: SilentServer, call: str) -> None:
    client = Client(silent_server.address, timeout_ms=int(PATIENCE * 1000))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(CALLS[call], client)
        assert silent_server.wait_for_request()
        client.close()
        with pytest.raises(ClosedError):
            waiting.result(PATIENCE / 2)


def test_another_list_of_servers(fleet: list[Memcached]) -> None:
    addresses = [server.address for server in fleet]
    with Client(addresses[:1], **PATIENT) as client:
        client.set("key", b"1")
        client.set_servers(addresses[1:])
        assert client.get("key") is None
        assert [name for name, _ in client.get_stats()] == addresses[1:]
        with pytest.raises(ArgumentError, match="b weight=0"):
            client.set_servers([addresses[0], "b weight=0"])
        assert client.set_multi({str(number): b"1" for number in range(50)}) == []
        client.set_servers([f"{addresses[0]} weight=2"])
        assert client.get("key") == b"1"


def test_another_distribution_is_warm(fleet: list[Memcached]) -> None:
    addresses = [server.address for server in fleet]
    keys = [str(number) for number in range(500)]
    with Client(addresses, distribution="modulo", handover_ms=60000, **PATIENT) as client:
        assert client.set_multi(dict.fromkeys(keys, b"1")) == []
        client.set_servers(addresses, distribution="rehash", slots=1024)
        assert len(client.get_multi(keys)) == 500
        with pytest.raises(OptionError, match="timeout_ms"):
            client.set_servers(addresses, timeout_ms=1)


def test_failover(fleet: list[Memcached]) -> None:
    addresses = [server.address for server in fleet]
    keys = [str(number) for number in range(100)]
    with Client(addresses, failover="next", **PATIENT) as client:
        fleet[1].close()
        assert client.set_multi(dict.fromkeys(keys, b"1")) == []
        assert len(client.get_multi(keys)) == 100
        assert all(client.get(key) == b"1" for key in keys)


def test_the_last_reference_may_go_during_a_call(silent_server: SilentServer) -> None:
    client = Client(silent_server.address, timeout_ms=200)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "key")
        assert silent_server.wait_for_request()
        del client
        with pytest.raises(consistent_memcached.TimeoutError):
            waiting.result(PATIENCE)


def test_a_client_that_could_not_be_made_leaves_nothing_behind() -> None:
    for _ in range(100):
        with pytest.raises(consistent_memcached.ArgumentError):
            Client("")


def test_a_client_that_nobody_refers_to_is_gone(server: Memcached) -> None:
    gc.collect()  # what earlier tests left
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(10):
        assert Client(server.address, **PATIENT).set("key", b"1")
    assert len(list(OPEN_FILES.iterdir())) == before


def test_results_are_freed(single: Client) -> None:
    single.set("key", bytes(1_000_000))
    single.get("key")
    before = _resident()
    for _ in range(100):
        single.get("key")
        single.gets("key")
        single.get_multi(["key"])
    assert _resident() - before < 50_000_000


def _resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_copies_share_the_client(server: Memcached) -> None:
    client = Client(server.address, **PATIENT)
    other = copy.copy(client)
    del client
    assert other.set("key", b"1")
    with pytest.raises((TypeError, ValueError)):
        pickle.dumps(other)


def test_threads_share_a_client(client: Client) -> None:
    def work(thread: int) -> None:
        for n in range(200):
            key, value = f"key:{thread}:{n}", f"{thread}:{n}"
            assert client.set(key, value)
            assert client.get(key) == value
            assert client.get_multi([key, "absent"]) == {key: value}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_threads_do_not_share_what_gets_remembered(client: Client) -> None:
    client.set("key", b"1")
    client.gets("key")

    def other() -> None:
        client.set("key", b"2")
        client.gets("key")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert client.cas("key", b"3") is False


def _use_in_child(client: Client, answer: Connection) -> None:
    try:
        for n in range(200):
            assert client.set(f"child:{n}", n)
            assert client.get(f"child:{n}") == n
        assert client.get("parent") == b"1"
        answer.send("fine")
    except BaseException as error:
        answer.send(repr(error))


def test_a_client_works_in_the_child_of_a_fork(client: Client) -> None:
    client.set("parent", b"1")
    mine, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_use_in_child, args=(client, theirs))
    child.start()
    for n in range(200):
        assert client.set(f"parent:{n}", n)
        assert client.get(f"parent:{n}") == n
    assert mine.poll(PATIENCE)
    assert mine.recv() == "fine"
    child.join(PATIENCE)
    assert child.exitcode == 0
    assert client.get("child:199") == 199


def _run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = Path(consistent_memcached.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    command = [sys.executable, "-X", "dev", "-c", script, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_an_open_client_at_the_end_of_the_interpreter(server: Memcached) -> None:
    script = """
import sys
from consistent_memcached import Client
client = Client(sys.argv[1])
client.set("key", b"1")
client.myself = client
"""
    ended = _run(script, server.address)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_call_in_a_daemon_thread_at_the_end_of_the_interpreter(
    silent_server: SilentServer,
) -> None:
    script = """
import sys, threading, time
from consistent_memcached import Client
client = Client(sys.argv[1], timeout_ms=10000)
threading.Thread(target=client.get, args=["key"], daemon=True).start()
time.sleep(0.3)
"""
    ended = _run(script, silent_server.address)
    assert (ended.returncode, ended.stderr) == (0, "")
