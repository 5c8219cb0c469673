"""Every key goes to the server that the project's vectors name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import PROJECT

from consistent_memcached import Client

VECTORS = PROJECT / "tests" / "vectors"
OPTIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("reference", "rehash_slots_65536"): {},
    ("reference", "rehash_slots_262144"): {"slots": 262144},
    ("reference", "rehash_slots_4096"): {"slots": 4096},
    ("python-memcached-1.62", "modulo_cmemcache"): {"compat": "python-memcached"},
    ("python-memcached-1.62", "modulo_crc32"): {"distribution": "modulo", "hash": "crc32"},
}


def rows() -> Iterator[Any]:
    with (VECTORS / "placement.tsv").open() as table:
        for line in table:
            system, variant, *row = line.rstrip("\n").split("\t")
            if (system, variant) in OPTIONS:
                yield pytest.param(system, variant, *row, id=f"{system}-{variant}-{row[0]}")


@pytest.fixture(scope="module")
def fleets() -> Any:
    return json.loads((VECTORS / "fleets.json").read_text())


@pytest.mark.parametrize(("system", "variant", "fleet", "key_set", "indexes"), rows())
def test_placement(
    fleets: Any, system: str, variant: str, fleet: str, key_set: str, indexes: str
) -> None:
    servers = [(server["name"], server["weight"]) for server in fleets[fleet]]
    keys = (VECTORS / f"keys_{key_set}.txt").read_bytes().splitlines()
    expected = list(map(int, indexes.split(",")))
    assert len(keys) == len(expected)
    with Client(servers, **OPTIONS[system, variant]) as client:
        assert [client.select_server(key) for key in keys] == expected
        assert [client.select_server(key.decode()) for key in keys] == expected


def test_the_vectors_cover_all_options() -> None:
    assert {(system, variant) for system, variant, *_ in (row.values for row in rows())} == set(
        OPTIONS
    )


def test_both_ways_to_give_a_weight() -> None:
    keys = [f"key:{n}" for n in range(1000)]
    with Client([("10.0.0.1", 1), ("10.0.0.2", 3)]) as tuples:
        chosen = [tuples.select_server(key) for key in keys]
    with Client("10.0.0.1:11211, 10.0.0.2:11211 weight=3") as text:
        assert [text.select_server(key) for key in keys] == chosen
    with Client(["10.0.0.1", "10.0.0.2 weight=3"]) as texts:
        assert [texts.select_server(key) for key in keys] == chosen
    assert 700 < sum(chosen) < 800
