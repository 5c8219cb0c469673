"""Whether other programs use the machine: a round they take part in is made again, for a while.

Which rounds are dropped depends on what others did, never on what came out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
BEARABLE = 0.1  # of one core


def busy_seconds() -> float:
    """Return the time all programs have used, without interrupts: those are counted apart."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) * TICK


def used_by(process: int) -> float:
    """Return the time a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


class Watch:
    """What programs other than these use from now on."""

    def __init__(self, processes: Iterable[int]) -> None:
        """Begin to watch."""
        self._processes = [os.getpid(), *processes]
        self._start = time.monotonic()
        self._before = self._others()

    @property
    def seconds(self) -> float:
        """How long this has been watched."""
        return time.monotonic() - self._start

    def disturbed(self) -> bool:
        """Return whether others used more than can be borne."""
        return self._others() - self._before > BEARABLE * self.seconds + 2 * TICK

    def _others(self) -> float:
        return busy_seconds() - sum(map(used_by, self._processes))


class Patience:
    """How many seconds of a run may be lost to others."""

    def __init__(self, seconds: float) -> None:
        """Begin with this many."""
        self.left = seconds

    def wait_for_quiet(self, processes: list[int]) -> None:
        """Return when others are quiet, or at the end of the patience."""
        while self.left > 0:
            watch = Watch(processes)
            time.sleep(0.2)
            if not watch.disturbed():
                return
            self.left -= watch.seconds

    def repeats(self, watch: Watch) -> bool:
        """Return whether what was watched is to be made again."""
        if self.left <= 0 or not watch.disturbed():
            return False
        self.left -= watch.seconds
        return True
