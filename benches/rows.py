"""What is measured: each row is one operation, the peers that do it, and what this library aims at.

The C peers place keys as libmemcached does by default, so all send the same keys to the same
servers; only "default placement" leaves this library's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Metric = Literal["rate", "p50", "p99", "cpu"]
Cores = Literal["apart", "together", "free"]  # the client and the servers


@dataclass(frozen=True)
class Peer:
    """Who takes part: a program and what is said to it."""

    name: str
    program: str
    variant: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether this is the library that is measured."""
        return "ours" in self.program or self.variant == "consistent_memcached"


@dataclass(frozen=True)
class Target:
    """A bound for our figure over that of the best of some peers: a rate at least, else at most."""

    metric: Metric
    bound: float
    against: tuple[Peer, ...]


@dataclass(frozen=True)
class Row:
    """One thing that is measured."""

    title: str
    operation: str
    ours: Peer
    others: tuple[Peer, ...]
    targets: tuple[Target, ...] = ()
    servers: int = 4
    keys: int = 1000
    batch: int = 1
    value_bytes: int = 100
    threads: int = 1
    cores: Cores = "apart"

    @property
    def again(self) -> Peer:
        """This library once more: what differs between the two is noise."""
        return Peer(f"{self.ours.name}, again", self.ours.program, self.ours.variant)

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Everyone, this library first."""
        return (self.ours, self.again, *self.others)


SPIN_US = 100
PATIENT = "timeout_ms=60000"  # the others wait for as long as it takes

OURS = Peer("this library", "ours", f"{PATIENT} compat=libmemcached")
SPINS = Peer("this library, spinning", "ours", f"{OURS.variant} spin_us={SPIN_US}")
REHASH = Peer("this library, default placement", "ours", PATIENT)
RAW = Peer("raw sockets", "raw")
LIBMEMCACHED = Peer("libmemcached", "libmemcached")
BINARY = Peer("libmemcached, binary", "libmemcached", "binary")
NO_BLOCK = Peer("libmemcached, no-block", "libmemcached", "noblock")
BUFFERED = Peer("libmemcached, buffered", "libmemcached", "buffer")
NO_REPLY = Peer("libmemcached, buffered, no replies", "libmemcached", "buffer noreply")
CONFIRMED = Peer("the same, confirmed each call", "libmemcached", "buffer noreply confirm")
CRATE = Peer("crate memcache", "memcache_crate")

PYTHON = Peer("this library", "python", "consistent_memcached")
PYLIBMC = Peer("pylibmc", "python", "pylibmc")
PYTHON_MEMCACHED = Peer("python-memcached", "python", "python-memcached")
PYMEMCACHE = Peer("pymemcache", "python", "pymemcache")
META_MEMCACHE = Peer("meta-memcache", "python", "meta-memcache")


def threads(count: int, rate: float, cpu: float | None) -> Row:
    """Return the row for so many threads: one client of ours, a memcached_st for each."""
    targets = [Target("rate", rate, (LIBMEMCACHED,))]
    if cpu is not None:
        targets.append(Target("cpu", cpu, (LIBMEMCACHED,)))
    others = (RAW, LIBMEMCACHED)
    title = f"get, {count} threads"
    return Row(title, "get", OURS, others, tuple(targets), threads=count, cores="free")


ROWS = (
    Row(
        "get",
        "get",
        OURS,
        (REHASH, RAW, LIBMEMCACHED, BINARY, CRATE),
        (Target("rate", 1.0, (LIBMEMCACHED,)), Target("cpu", 1.0, (LIBMEMCACHED,))),
    ),
    Row(
        "set",
        "set",
        OURS,
        (REHASH, RAW, LIBMEMCACHED, BINARY, CRATE),
        (Target("rate", 1.0, (LIBMEMCACHED,)),),
    ),
    Row(
        "get, all on one core",
        "get",
        OURS,
        (RAW, LIBMEMCACHED),
        (Target("rate", 1.0, (LIBMEMCACHED,)),),
        cores="together",
    ),
    Row("set, all on one core", "set", OURS, (RAW, LIBMEMCACHED), cores="together"),
    Row(
        f"get, spin_us={SPIN_US}",
        "get",
        SPINS,
        (OURS, RAW, LIBMEMCACHED),
        (Target("rate", 1.6, (LIBMEMCACHED,)), Target("p99", 0.5, (LIBMEMCACHED,))),
    ),
    Row(
        "get of 1 MiB",
        "get",
        OURS,
        (RAW, LIBMEMCACHED, CRATE),
        (Target("rate", 0.9, (RAW,)),),
        keys=8,
        value_bytes=1 << 20,
    ),
    Row(
        "get_multi of 100",
        "get_multi",
        OURS,
        (REHASH, RAW, LIBMEMCACHED, NO_BLOCK, BUFFERED, BINARY, CRATE),
        (
            Target("rate", 1.05, (LIBMEMCACHED, NO_BLOCK, BUFFERED)),
            Target("rate", 0.95, (RAW,)),
        ),
        batch=100,
    ),
    Row(
        "get_multi of 100, all on one core",
        "get_multi",
        OURS,
        (RAW, LIBMEMCACHED, NO_BLOCK),
        batch=100,
        cores="together",
    ),
    Row(
        "get_multi of 10,000 from 8 servers",
        "get_multi",
        OURS,
        (RAW, LIBMEMCACHED, NO_BLOCK, CRATE),
        (Target("rate", 1.1, (LIBMEMCACHED, NO_BLOCK)),),
        servers=8,
        keys=10_000,
        batch=10_000,
    ),
    Row(
        "set_multi of 100",
        "set_multi",
        OURS,
        (RAW, LIBMEMCACHED, NO_REPLY, CONFIRMED),
        (
            Target("rate", 0.9, (RAW,)),
            Target("rate", 10, (LIBMEMCACHED,)),
            Target("rate", 0.9, (NO_REPLY,)),
            Target("rate", 0.9, (CONFIRMED,)),
        ),
        batch=100,
    ),
    *(threads(count, 1.0, None) for count in (2, 4, 16)),
    threads(64, 1.4, 0.75),
    threads(256, 1.9, 0.6),
    Row(
        "Python: get",
        "get",
        PYTHON,
        (PYLIBMC, PYTHON_MEMCACHED, PYMEMCACHE, META_MEMCACHE),
        (Target("rate", 1.0, (PYLIBMC,)),),
    ),
    Row(
        "Python: get_multi of 100",
        "get_multi",
        PYTHON,
        (PYLIBMC, PYTHON_MEMCACHED, PYMEMCACHE, META_MEMCACHE),
        (Target("rate", 1.0, (PYLIBMC,)), Target("rate", 3, (PYTHON_MEMCACHED,))),
        batch=100,
    ),
    Row(
        "Python: set_multi of 100",
        "set_multi",
        PYTHON,
        (PYLIBMC, PYTHON_MEMCACHED, PYMEMCACHE),
        (Target("rate", 10, (PYLIBMC,)), Target("rate", 2.5, (PYTHON_MEMCACHED,))),
        batch=100,
    ),
)

# The system calls and instructions of one call are counted for these.
COUNTED = tuple(row for row in ROWS if row.title in ("get", "set"))
