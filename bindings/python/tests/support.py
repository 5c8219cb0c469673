"""Servers for the tests: memcached itself, and one that never answers."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable

PATIENCE = 20.0  # seconds; only guards against hanging

PROJECT = Path(__file__).resolve().parents[3]


class Memcached:
    """A memcached on a free port of the loopback interface."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            # memcached picks the port itself and tells it in a file: no race for it.
            port_file = Path(folder, "ports")
            self._start(-1, {**os.environ, "MEMCACHED_PORT_FILENAME": str(port_file)})
            wait_for(lambda: port_file.exists() and "TCP INET:" in port_file.read_text())
            self.port = int(port_file.read_text().split("TCP INET:")[1].split()[0])
        self.address = f"127.0.0.1:{self.port}"

    def _start(self, port: int, environment: dict[str, str] | None = None) -> None:
        command = ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
        self._process = subprocess.Popen(command, env=environment)

    def stop(self) -> None:
        """Kill the server, as a crash would."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start it again, empty, where it was."""
        self._start(self.port)
        wait_for(self._accepts)

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def raw(self, request: bytes) -> bytes:
        """Send a request as it is and return the reply, which ends with a line."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            return connection.makefile("rb").readline()

    def flags(self, key: str) -> int:
        """Return the client flags of an item."""
        head, *words = self.raw(f"get {key}\r\n".encode()).split()
        assert head == b"VALUE"
        return int(words[1])


class SilentServer:
    """Accepts connections and reads requests, but never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []

    def wait_for_request(self) -> bytes:
        """Return the first bytes of the next connection's request."""
        self._listener.settimeout(PATIENCE)
        connection, _ = self._listener.accept()
        self._connections.append(connection)
        connection.settimeout(PATIENCE)
        return connection.recv(4096)

    def stop(self) -> None:
        for connection in self._connections:
            connection.close()
        self._listener.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
