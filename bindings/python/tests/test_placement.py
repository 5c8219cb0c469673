"""Every key goes to the server that the project's vectors name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import PROJECT

from consistent_memcached import Client

VECTORS = PROJECT / "tests" / "vectors"
SYSTEMS = ("reference", "python-memcached-1.62")


def rows(path: Path) -> Iterator[list[str]]:
    """The rows of a table, without the line that names its columns."""
    for line in path.read_text().splitlines()[1:]:
        yield line.split("\t")


def fleet_servers(fleet: str) -> list[tuple[str, int]]:
    """The servers of a fleet and their weights."""
    return [
        (f"{host}:{port}", int(weight))
        for name, host, port, weight in rows(VECTORS / "fleets.tsv")
        if name == fleet
    ]


def vectors() -> Iterator[Any]:
    """Servers, options, key set, and the index of each key's server."""
    options = {
        (system, variant): dict(option.split("=") for option in text.split())
        for system, variant, text, _weights in rows(VECTORS / "options.tsv")
        if system in SYSTEMS
    }
    for system, variant, fleet, key_set, indexes in rows(VECTORS / "placement.tsv"):
        if (system, variant) in options:
            servers = fleet_servers(fleet)
            case = servers, options[system, variant], key_set, list(map(int, indexes.split(",")))
            yield pytest.param(*case, id=f"{system}-{variant}-{fleet}")


@pytest.mark.parametrize(("servers", "options", "key_set", "indexes"), list(vectors()))
def test_placement(
    servers: list[tuple[str, int]], options: dict[str, str], key_set: str, indexes: list[int]
) -> None:
    keys = (VECTORS / f"keys_{key_set}.txt").read_bytes().splitlines()
    assert len(keys) == len(indexes)
    with Client(servers, **options) as client:
        assert [client.select_server(key) for key in keys] == indexes
        assert [client.select_server(key.decode()) for key in keys] == indexes


def test_there_are_vectors() -> None:
    assert len(list(vectors())) > 20


def test_both_ways_to_give_a_weight() -> None:
    keys = [f"key:{n}" for n in range(1000)]
    with Client([("10.0.0.1", 1), ("10.0.0.2", 3)]) as tuples:
        chosen = [tuples.select_server(key) for key in keys]
    with Client("10.0.0.1:11211, 10.0.0.2:11211 weight=3") as text:
        assert [text.select_server(key) for key in keys] == chosen
    with Client(["10.0.0.1", "10.0.0.2 weight=3"]) as texts:
        assert [texts.select_server(key) for key in keys] == chosen
    assert 700 < sum(chosen) < 800
