"""The servers of a row, and the cores that they and the peers may use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rows import Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples/demo"))

from servers import Memcached

ARGUMENTS = ("-t", "1", "-m", "256", "-c", "4096", "-I", "4m")
FOR_PEERS, FOR_SERVERS = 0, 1


@contextmanager
def core(row: Row, place: int) -> Iterator[None]:
    """Keep what is started in this block to a core, as the row wants it."""
    allowed = os.sched_getaffinity(0)
    if row.cores != "free":
        wanted = place if row.cores == "apart" else 0
        os.sched_setaffinity(0, {sorted(allowed)[wanted % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


class Fleet:
    """The servers of a row; they end with the stack."""

    def __init__(self, row: Row, stack: ExitStack) -> None:
        """Start them."""
        self.row = row
        with core(row, FOR_SERVERS):
            count = range(row.servers)
            self._servers = [stack.enter_context(Memcached(*ARGUMENTS)) for _ in count]
        self.addresses = ",".join(server.address for server in self._servers)
        self.processes = [server.pid for server in self._servers]

    def done(self) -> int:
        """Return how many of the row's operations the servers have done, by their own count."""
        counter = "cmd_set" if self.row.operation.startswith("set") else "get_hits"
        return sum(int(server.stats()[counter]) for server in self._servers)
