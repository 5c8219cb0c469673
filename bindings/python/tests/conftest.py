"""Fixtures: running servers and clients of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from support import PATIENT, Memcached, SilentServer

from consistent_memcached import Client


@pytest.fixture(scope="session")
def session_servers() -> Iterator[list[Memcached]]:
    with ExitStack() as stack:
        servers = []
        for _ in range(3):
            servers.append(Memcached())
            stack.callback(servers[-1].close)
        yield servers


@pytest.fixture
def servers(session_servers: list[Memcached]) -> list[Memcached]:
    """Three empty servers, which the test leaves running."""
    for server in session_servers:
        assert server.raw(b"flush_all\r\n") == b"OK\r\n"
    return session_servers


@pytest.fixture
def server(servers: list[Memcached]) -> Memcached:
    """One empty server, which the test leaves running."""
    return servers[0]


@pytest.fixture
def fleet() -> Iterator[list[Memcached]]:
    """Three servers of the test's own, to be stopped as it likes."""
    with ExitStack() as stack:
        servers = []
        for _ in range(3):
            servers.append(Memcached())
            stack.callback(servers[-1].close)
        yield servers


@pytest.fixture
def silent_server() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.stop()


@pytest.fixture
def client(servers: list[Memcached]) -> Iterator[Client]:
    """A client of three empty servers."""
    with Client([server.address for server in servers], **PATIENT) as client:
        yield client


@pytest.fixture
def single(server: Memcached) -> Iterator[Client]:
    """A client of one empty server."""
    with Client(server.address, **PATIENT) as client:
        yield client
