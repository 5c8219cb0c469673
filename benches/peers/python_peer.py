"""A Python client as a peer of the benchmark: peer.h says what it obeys.

python_peer.py CLIENT OPERATION SERVERS KEYS BATCH VALUE_BYTES THREADS, with one thread.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any, NoReturn

UNABLE = 3  # exit code of a peer that cannot do what it is asked for
PATIENCE = 10.0  # seconds a client waits for a server


class Calls:
    """How a client does each operation; here, as python-memcached."""

    key_prefix = "session:profile:"

    def __init__(self, client: Any) -> None:
        """Take a connected client."""
        self.get: Callable[[str], Any] = client.get
        self.set: Callable[[str, bytes], Any] = client.set
        self.get_multi: Callable[[list[str]], Any] = client.get_multi
        self.set_multi: Callable[[dict[str, bytes]], Any] = client.set_multi
        self.stored: object = True
        self.all_stored: object = []


def consistent_memcached(servers: list[str]) -> Calls:
    """Return this library, with the placement of pylibmc."""
    from consistent_memcached import Client

    return Calls(Client(servers, compat="pylibmc", timeout_ms=60_000))


def pylibmc(servers: list[str]) -> Calls:
    """Return pylibmc, with TCP_NODELAY."""
    from pylibmc import Client

    return Calls(Client(servers, behaviors={"tcp_nodelay": True}))


def python_memcached(servers: list[str]) -> Calls:
    """Return python-memcached as it comes."""
    from memcache import Client

    return Calls(Client(servers, socket_timeout=PATIENCE))


def pymemcache(servers: list[str]) -> Calls:
    """Return pymemcache's HashClient, with TCP_NODELAY, waiting for the replies to its sets."""
    from pymemcache.client.hash import HashClient

    return Calls(HashClient(servers, no_delay=True, default_noreply=False))


def meta_memcache(servers: list[str]) -> Calls:
    """Return meta-memcache as it comes; it has no set_multi."""
    from meta_memcache import CacheClient
    from meta_memcache.configuration import ServerAddress, connection_pool_factory_builder

    client = CacheClient.cache_client_from_servers(
        servers=[ServerAddress("127.0.0.1", int(text.split(":")[1])) for text in servers],
        connection_pool_factory_fn=connection_pool_factory_builder(recv_timeout=PATIENCE),
    )

    class MetaCalls(Calls):
        key_prefix = "another:profile:"  # its flags of a value mean something else to the others

        def __init__(self) -> None:
            self.get = client.get
            self.set = lambda key, value: client.set(key, value, ttl=0)
            self.get_multi = lambda keys: {
                key.key: value for key, value in client.multi_get(keys).items()
            }
            self.stored = True

    return MetaCalls()


CLIENTS = {
    "consistent_memcached": consistent_memcached,
    "pylibmc": pylibmc,
    "python-memcached": python_memcached,
    "pymemcache": pymemcache,
    "meta-memcache": meta_memcache,
}


def fail(what: str) -> NoReturn:
    """End the program."""
    sys.exit(f"{sys.argv[1]}: {what}")


class Peer:
    """The workload and who does it."""

    def __init__(self, calls: Calls, operation: str, keys: int, batch: int, size: int) -> None:
        """Make keys and values as workload.c does, and the calls to make."""
        self.calls = calls
        self.items = {}
        for number in range(keys):
            value = b"%08d" % number + b"%c" % (97 + number % 26) * (size - 8)
            self.items[f"{calls.key_prefix}{number:08}"] = value
        self.keys = list(self.items)
        starts = range(0, keys, batch)
        self.batches = [self.keys[start : start + batch] for start in starts]
        self.item_batches = [{key: self.items[key] for key in batch} for batch in self.batches]
        self.call: Callable[[int], None] = getattr(self, operation)

    def get(self, call: int) -> None:
        """Get one and look at it."""
        key = self.keys[call % len(self.keys)]
        if self.calls.get(key) != self.items[key]:
            fail("a wrong value")

    def set(self, call: int) -> None:
        """Store one."""
        key = self.keys[call % len(self.keys)]
        if self.calls.set(key, self.items[key]) != self.calls.stored:
            fail("not stored")

    def get_multi(self, call: int) -> None:
        """Get a batch."""
        keys = self.batches[call % len(self.batches)]
        if len(self.calls.get_multi(keys)) != len(keys):
            fail("not all were found")

    def set_multi(self, call: int) -> None:
        """Store a batch."""
        items = self.item_batches[call % len(self.batches)]
        if self.calls.set_multi(items) != self.calls.all_stored:
            fail("not all were stored")

    def prepare(self) -> None:
        """Store everything, by the operation that is measured if it stores; read all of it."""
        stores = self.set_multi if self.call == self.set_multi else self.set
        for call in range(len(self.batches) if stores == self.set_multi else len(self.keys)):
            stores(call)
        for call in range(len(self.keys)):
            self.get(call)
        for keys, items in zip(self.batches, self.item_batches):
            if self.call == self.get_multi and self.calls.get_multi(keys) != items:
                fail("wrong values")

    def run(self, count: int) -> None:
        """Make calls and say how long they took."""
        samples = [0.0] * count
        call_one = self.call
        cpu_before = cpu()
        start = before = perf_counter()
        for call in range(count):
            call_one(call)
            after = perf_counter()
            samples[call] = after - before
            before = after
        took, used = perf_counter() - start, cpu() - cpu_before
        samples.sort()
        p50, p99 = samples[(count - 1) // 2], samples[(count - 1) * 99 // 100]
        print(f"{took:.9f} {used:.9f} {p50:.9f} {p99:.9f}", flush=True)


def cpu() -> float:
    """Return the processor seconds this process has used."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Obey the lines that come in."""
    client, operation, servers, keys, batch, size, threads = sys.argv[1:]
    if threads != "1":
        fail("one thread only")
    try:
        calls = CLIENTS[client](servers.split(","))
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(UNABLE)
    peer = Peer(calls, operation, int(keys), int(batch), int(size))
    peer.prepare()
    print("ready", flush=True)
    for line in sys.stdin:
        command, count = line.split()
        if command != "run":
            fail("what?")
        peer.run(int(count))


if __name__ == "__main__":
    main()
