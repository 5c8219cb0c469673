"""Servers for the tests: memcached itself, one that never answers, an old one."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable

PATIENCE = 60.0  # seconds; only guards against hanging

# For a client whose calls are to be answered, however slow the machine is.
PATIENT = {"timeout_ms": int(PATIENCE * 1000), "connect_timeout_ms": int(PATIENCE * 1000)}

PROJECT = Path(__file__).resolve().parents[3]


class Memcached:
    """A memcached on a port of the loopback interface, which stays its own while it is away."""

    def __init__(self) -> None:
        self._reservation = reserve_port()
        self.port: int = self._reservation.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        command = ["memcached", "-u", "root", "-l", "127.0.0.1", "-p", str(self.port), "-U", "0"]
        self._process = subprocess.Popen(command)
        wait_for(self._accepts)

    def stop(self) -> None:
        """Kill the server, as a crash would."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill the server and leave its port to others."""
        self.stop()
        self._reservation.close()

    def _accepts(self) -> bool:
        assert self._process.poll() is None
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def raw(self, request: bytes) -> bytes:
        """Send a request as it is and return the reply, which ends with a line."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            return connection.makefile("rb").readline()

    def stat(self, name: str) -> int:
        """Return a counter of the server's `stats`."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(b"stats\r\n")
            for line in connection.makefile("rb"):
                if line.startswith(f"STAT {name} ".encode()):
                    return int(line.split()[2])
        raise AssertionError(name)

    def flags(self, key: str) -> int:
        """Return the client flags of an item."""
        head, *words = self.raw(f"get {key}\r\n".encode()).split()
        assert head == b"VALUE"
        return int(words[1])


def reserve_port() -> socket.socket:
    """Bind to a free port of the loopback interface, so that nobody else is given it.

    Nobody listens there, until a memcached does: it may, since both set SO_REUSEADDR.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    return reservation


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


class OldServer:
    """Answers as a memcached 1.4 that knows no command but `version`."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> OldServer:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop, once the client is closed."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # the end of listening
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rb") as requests:
                    for request in requests:
                        is_known = request == b"version\r\n"
                        connection.sendall(b"VERSION 1.4.15\r\n" if is_known else b"ERROR\r\n")


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
