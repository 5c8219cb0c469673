"""What a client counts, and what it tells of its servers' health."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support import PATIENT, Memcached, wait_for

from consistent_memcached import Client, ClosedError, Event, MemcachedError, ServerDownError


def test_every_operation_is_counted_once(single: Client, server: Memcached) -> None:
    single.set("key", b"1")
    assert single.get("key") == b"1"
    assert single.get("absent") is None
    assert single.get_multi(["key", "absent"]) == {"key": b"1"}
    single.set("text", "word")
    with pytest.raises(MemcachedError):
        single.incr("text")
    (found,) = single.metrics()
    assert (found.identity, found.address, found.weight) == (server.address, server.address, 1)
    assert (found.state, found.connections, found.connections_opened) == ("up", 1, 1)
    assert (found.operations, found.hits, found.misses) == (7, 2, 2)
    assert found.errors == {"rejected": 1}
    assert (found.failovers, found.failures, found.timeouts, found.protocol_violations) == (0,) * 4
    assert (found.connections_replaced, found.quiet_failures, found.exchanges) == (0, 0, 6)
    assert 0 < found.latency_p50_us <= found.latency_p99_us <= found.latency_max_us
    assert found.latency_max_us <= found.latency_sum_us


def test_names_and_weights() -> None:
    with Client("127.0.0.1:1 weight=3 name=first, [::1]:2") as client:
        first, second = client.metrics()
        assert (first.identity, first.address, first.weight) == ("first", "127.0.0.1:1", 3)
        assert second.identity == second.address == "[::1]:2"
        assert second.errors == {}
        assert client.events() == []


def test_a_server_goes_and_comes_back(fleet: list[Memcached]) -> None:
    server = fleet[0]
    with Client(server.address, failure_threshold=2, retry_after_ms=200, **PATIENT) as client:
        client.set("key", b"1")
        server.stop()
        for _ in range(3):
            with pytest.raises(MemcachedError) as caught:
                client.get("key")
        assert isinstance(caught.value, ServerDownError)
        assert client.metrics()[0].state == "down"
        assert client.metrics()[0].errors.keys() == {"connection", "server_down"}
        events = client.events()
        assert states(events) == [("up", "suspect"), ("suspect", "down")]
        assert events.dropped == 0
        assert all(event.server == server.address and event.reason for event in events)
        now = datetime.now(timezone.utc)
        assert all(timedelta(0) <= now - event.time < timedelta(hours=1) for event in events)
        assert client.events() == []

        server.start()
        wait_for(lambda: is_answered(client))
        assert states(client.events())[-2:] == [("down", "probing"), ("probing", "up")]
        assert client.metrics()[0].state == "up"


def states(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.from_state, event.to_state) for event in events]


def is_answered(client: Client) -> bool:
    try:
        client.get("key")
    except MemcachedError:
        return False
    return True


def test_prometheus_reads_the_page(client: Client, servers: list[Memcached]) -> None:
    for number in range(30):
        client.set(f"key:{number}", b"1")
    client.get("absent")
    text = client.prometheus()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation for family in families.values())

    def total(family: str, sample: str, **labels: str) -> float:
        found = families[f"consistent_memcached_{family}"].samples
        return math.fsum(
            each.value
            for each in found
            if each.name == f"consistent_memcached_{sample}"
            and labels.items() <= each.labels.items()
        )

    assert total("operations", "operations_total") == 31
    assert total("misses", "misses_total") == 1
    assert total("server_state", "server_state", state="up") == len(servers)
    assert total("server_state", "server_state", state="down") == 0
    assert total("errors", "errors_total") == 0
    duration = "exchange_duration_seconds"
    assert total(duration, f"{duration}_count") == 31
    assert total(duration, f"{duration}_bucket", le="+Inf") == 31
    buckets = re.findall(rf"{duration}_bucket\{{server=\"(.*?)\",le=\"(.*?)\"\}} (\d+)", text)
    for server in servers:
        mine = [
            (float(bound), int(count)) for name, bound, count in buckets if name == server.address
        ]
        assert mine == sorted(mine)
        assert len(mine) > 10


def test_a_closed_client_tells_nothing(client: Client) -> None:
    client.close()
    for call in (client.metrics, client.events, client.prometheus):
        with pytest.raises(ClosedError):
            call()
