"""A peer that runs: its process, and what is said to it."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path

from rows import Peer, Row

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / "target/bench"
VENV_PYTHON = TARGET / "venv/bin/python"
UNABLE = 3  # exit code of a peer that cannot do what it is asked for
PATIENCE = 120.0  # seconds; only guards against hanging
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(PROJECT / "bindings/python/src"),
    "CONSISTENT_MEMCACHED_LIBRARY": str(PROJECT / "target/release/libconsistent_memcached.so"),
}


class UnableError(Exception):
    """This peer cannot take part; the text says why."""


class FailedError(Exception):
    """A peer that took part failed."""

    def __init__(self, peer: Peer, text: str) -> None:
        """Say who, and why."""
        super().__init__(text)
        self.peer = peer


def command(peer: Peer, row: Row, addresses: str) -> list[str]:
    """Return what starts a peer."""
    if peer.program == "python":
        program = [str(VENV_PYTHON), str(PROJECT / "benches/peers/python_peer.py")]
    else:
        program = [str(TARGET / f"peer-{peer.program}")]
    if not Path(program[0]).exists():
        raise UnableError(f"{Path(program[0]).relative_to(PROJECT)} is not there")
    numbers = (row.keys, row.batch, row.value_bytes, row.threads)
    return [*program, peer.variant, row.operation, addresses, *map(str, numbers)]


class Contender:
    """A peer's process, which makes calls when it is told to."""

    def __init__(self, peer: Peer, row: Row, addresses: str, under: tuple[str, ...] = ()) -> None:
        """Start it, `under` another program if wanted, and wait until it has stored its keys."""
        self.name = peer.name
        self._peer = peer
        self._process = subprocess.Popen(
            [*under, *command(peer, row, addresses)],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            self._expect("ready")
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def run(self, calls: int) -> tuple[float, float, float, float]:
        """Return the seconds that calls took: in all, of the processors, median, 99th of 100."""
        took, cpu, p50, p99 = map(float, self._ask(f"run {calls}").split())
        return took, cpu, p50, p99

    def plain(self, calls: int) -> None:
        """Make calls; nobody looks at the clock."""
        self._ask(f"plain {calls}")

    def close(self) -> None:
        """Let it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait(PATIENCE) != 0:
            raise self._failure()
        self.kill()

    def kill(self) -> None:
        """End it, if it still runs."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def _expect(self, expected: str) -> None:
        if (answer := self._answer()) != expected:
            raise FailedError(self._peer, f"says {answer!r}")

    def _answer(self) -> str:
        stream = self._process.stdout
        assert stream is not None
        if not select.select([stream], [], [], PATIENCE)[0]:
            raise FailedError(self._peer, "hangs")
        if answer := stream.readline().strip():
            return answer
        self._process.wait(PATIENCE)
        raise self._failure()

    def _failure(self) -> Exception:
        assert self._process.stderr is not None
        text = self._process.stderr.read().strip().split("\n")[-1]
        if self._process.returncode == UNABLE:
            return UnableError(text)
        return FailedError(self._peer, text or f"ends with {self._process.returncode}")
