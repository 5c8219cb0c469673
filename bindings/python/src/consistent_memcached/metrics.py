"""What a client counts, and what has become of its servers."""

from __future__ import annotations

from ctypes import c_char_p, c_void_p, cast
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from . import _library as lib

_STATES = {1: "up", 2: "suspect", 3: "down", 4: "probing"}  # CM_SERVER_UP and so on
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class ServerMetrics:
    """What is known of a server. Counts only grow."""

    identity: str
    """Its name, or else its address."""
    address: str
    """``host:port`` or ``unix:/path``, in canonical form."""
    weight: int
    state: str
    """``"up"``, ``"suspect"``, ``"down"`` or ``"probing"``."""
    connections: int
    """How many are open now."""
    connections_opened: int
    """How many were made."""
    connections_replaced: int
    """How many were found unusable after they had been idle, and replaced unnoticed."""
    operations: int
    """Operations that came to an end here: answered, or failed."""
    hits: int
    """Reads of an item that was there."""
    misses: int
    """Reads of an item that was not there."""
    errors: dict[str, int]
    """Operations that failed, by status, as in ``{"timeout": 3}``; only what there was."""
    failovers: int
    """Operations that another server was asked in place of this one, and that are counted there."""
    failures: int
    """Connections that could not be made, broke, or went unanswered."""
    timeouts: int
    """Of the failures those where the time was over."""
    protocol_violations: int
    """Of the failures those where the server did not keep to the protocol."""
    quiet_failures: int
    """What the server refused of quiet operations and no result told of."""
    exchanges: int
    """How often the server answered all that was asked in one go: one operation or several."""
    latency_sum_us: int
    """Microseconds from sending to the last answer, all exchanges together."""
    latency_p50_us: int
    """Half of the exchanges took no longer; off by less than an eighth."""
    latency_p99_us: int
    """Of a hundred exchanges 99 took no longer; off by less than an eighth."""
    latency_max_us: int
    """The longest."""


@dataclass(frozen=True)
class Event:
    """The state of a server changed."""

    time: datetime
    """When, in UTC."""
    server: str
    """The server's identity."""
    from_state: str
    """``"up"``, ``"suspect"``, ``"down"`` or ``"probing"``."""
    to_state: str
    """As ``from_state``."""
    reason: str


class Events(list[Event]):
    """Events, the oldest first."""

    dropped: int = 0
    """How many older ones are lost: a client keeps the last 1024."""


def metrics(client: lib.ClientHandle) -> list[ServerMetrics]:
    """Return what is known of each server."""
    servers = c_void_p()
    error = c_void_p()
    lib.check(lib.cm_servers_snapshot(client, servers, error), error)
    try:
        count = lib.cm_servers_count(servers)
        return [_metrics(lib.cm_servers_at(servers, index).contents) for index in range(count)]
    finally:
        lib.cm_servers_free(servers)


def events(client: lib.ClientHandle) -> Events:
    """Return what has become of the servers since this was last asked."""
    taken = c_void_p()
    error = c_void_p()
    lib.check(lib.cm_events_take(client, taken, error), error)
    try:
        count = lib.cm_events_count(taken)
        found = Events(_event(lib.cm_events_at(taken, index).contents) for index in range(count))
        found.dropped = lib.cm_events_dropped(taken)
        return found
    finally:
        lib.cm_events_free(taken)


def prometheus(client: lib.ClientHandle) -> str:
    """Return what is known of each server in Prometheus' text format."""
    text = c_void_p()
    error = c_void_p()
    lib.check(lib.cm_metrics_prometheus(client, text, error), error)
    try:
        return (cast(text, c_char_p).value or b"").decode()
    finally:
        lib.cm_text_free(text)


def _metrics(server: lib.Server) -> ServerMetrics:
    return ServerMetrics(
        identity=_text(server.identity),
        address=_text(server.address),
        weight=server.weight,
        state=_STATES[server.state],
        errors=_errors(server.errors_by_status[: server.errors_by_status_count]),
        **{name: getattr(server, name) for name in lib.SERVER_COUNTS if name != "errors"},
    )


def _errors(counts: list[int]) -> dict[str, int]:
    """Name each status as its constant, without CM_ERR_."""
    named = ((lib.cm_status_name(-number).decode(), count) for number, count in enumerate(counts))
    return {name.removeprefix("CM_ERR_").lower(): count for name, count in named if count}


def _event(event: lib.Event) -> Event:
    return Event(
        time=_EPOCH + timedelta(milliseconds=event.time_ms),
        server=_text(event.server),
        from_state=_STATES[event.from_state],
        to_state=_STATES[event.to_state],
        reason=_text(event.reason),
    )


def _text(text: bytes) -> str:
    return text.decode(errors="replace")
