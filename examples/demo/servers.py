"""Real memcached servers on free ports of the loopback interface, for as long as a block runs."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

PATIENCE = 20.0  # seconds; only guards against hanging


class Memcached:
    """One memcached process; killed when its block ends, however it ends."""

    def __init__(self, *arguments: str) -> None:
        """Start it, with these arguments too, and wait until it accepts connections."""
        with tempfile.TemporaryDirectory() as folder:
            # memcached picks the port itself and tells it in a file: no race for it.
            port_file = Path(folder, "port")
            user = ["-u", "root"] if os.geteuid() == 0 else []
            self._process = subprocess.Popen(
                ["memcached", *user, "-l", "127.0.0.1", "-p", "-1", "-U", "0", *arguments],
                env={**os.environ, "MEMCACHED_PORT_FILENAME": str(port_file)},
            )
            try:
                self.port = self._wait_for_port(port_file)
            except BaseException:
                self.kill()
                raise
        self.address = f"127.0.0.1:{self.port}"

    def __enter__(self) -> Memcached:
        """Return the server."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill the server."""
        self.kill()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash would; doing so twice is fine."""
        self._process.kill()
        self._process.wait()

    def stats(self) -> dict[str, str]:
        """Return the server's own statistics."""
        lines = self._ask(b"stats\r\n").decode().splitlines()
        return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))

    def items(self) -> int:
        """Return how many items it holds; flushed ones count until they are reclaimed."""
        return int(self.stats()["curr_items"])

    def stored(self) -> int:
        """Return how many items it has stored since it was started."""
        return int(self.stats()["total_items"])

    def flush(self) -> None:
        """Make the server forget all items."""
        self._ask(b"flush_all\r\n")

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request + b"quit\r\n")
            return connection.makefile("rb").read()

    def _wait_for_port(self, port_file: Path) -> int:
        end = time.monotonic() + PATIENCE
        while self._process.poll() is None and time.monotonic() < end:
            if port_file.exists() and "TCP INET: " in (text := port_file.read_text()):
                return int(text.split("TCP INET: ")[1].split()[0])
            time.sleep(0.01)
        raise RuntimeError("memcached does not start")
