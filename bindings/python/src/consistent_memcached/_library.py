"""Finds the C library, checks its version and declares the functions of its ABI."""

from __future__ import annotations

import ctypes
import os
from ctypes import (
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any, Callable

from ._version import __version__
from .errors import MemcachedError, error_for

OK = 0  # CM_OK
OP_GET, OP_SET, OP_ADD, OP_REPLACE, OP_APPEND, OP_PREPEND = range(1, 7)  # CM_OP_GET and so on
OP_CAS, OP_DELETE, OP_TOUCH = 7, 8, 9
OP_INCREMENT, OP_DECREMENT = 11, 12
WANT_CAS = 1  # CM_WANT_CAS
WANT_HASH = 2  # CM_WANT_HASH
WANT_INVALIDATE = 2048  # CM_WANT_INVALIDATE
WON = 1  # CM_WON, of a result's state
_UNSENT = 8  # CM_UNSENT


def _load() -> ctypes.CDLL:
    chosen = os.environ.get("CONSISTENT_MEMCACHED_LIBRARY")
    packaged = Path(__file__).with_name("libconsistent_memcached.so")
    path = chosen or (str(packaged) if packaged.exists() else "libconsistent_memcached.so.0")
    try:
        library = ctypes.CDLL(path)
        library.cm_version.restype = c_char_p
    except (OSError, AttributeError) as error:
        raise ImportError(f"cannot load the consistent_memcached library: {error}") from error
    version = library.cm_version().decode()
    if version != __version__:
        raise ImportError(
            f"{path} is version {version} of the consistent_memcached library, "
            f"but this Python package is version {__version__}"
        )
    return library


_LIBRARY = _load()
# Calls through this one keep the interpreter's lock: for what only frees memory,
# letting go of the lock costs more than the call.
_LIBRARY_LOCKED = ctypes.PyDLL(_LIBRARY._name, handle=_LIBRARY._handle)


def _function(
    name: str, result: Any, *arguments: Any, library: ctypes.CDLL = _LIBRARY
) -> Callable[..., Any]:
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function  # type: ignore[no-any-return]


class Result(Structure):
    """cm_result."""

    _fields_ = (
        ("status", c_int32),
        ("flags", c_uint32),
        ("value", POINTER(c_char)),
        ("value_len", c_size_t),
        ("cas", c_uint64),
        ("number", c_uint64),
        ("ttl_seconds", c_int64),
        ("state", c_uint32),
        ("server", c_uint32),
        ("last_access_seconds", c_int64),
        ("size", c_uint64),
    )


class Operation(Structure):
    """cm_op. It keeps alive the bytes objects that its fields point to."""

    _fields_ = (
        ("kind", c_uint32),
        ("want", c_uint32),
        ("key", c_char_p),
        ("key_len", c_size_t),
        ("value", c_char_p),
        ("value_len", c_size_t),
        ("route", c_char_p),
        ("route_len", c_size_t),
        ("hash", c_int64),
        ("ttl_seconds", c_int64),
        ("cas", c_uint64),
        ("delta", c_uint64),
        ("initial", c_uint64),
        ("initial_ttl_seconds", c_int64),
        ("lease_seconds", c_int64),
        ("refresh_before_seconds", c_int64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    )


class Explanation(Structure):
    """cm_explanation."""

    _fields_ = (
        ("server", c_uint32),
        ("position_kind", c_uint32),
        ("position", c_uint64),
        ("identity", c_char_p),
        ("sequence", POINTER(c_char_p)),
        ("sequence_count", c_size_t),
    )


# What cm_server counts, in its order.
SERVER_COUNTS = (
    *("connections", "connections_opened", "connections_replaced"),
    *("operations", "hits", "misses", "errors", "failovers"),
    *("failures", "timeouts", "protocol_violations", "quiet_failures"),
    *("exchanges", "latency_sum_us", "latency_p50_us", "latency_p99_us", "latency_max_us"),
)


class Server(Structure):
    """cm_server."""

    _fields_ = (
        ("identity", c_char_p),
        ("address", c_char_p),
        ("weight", c_uint32),
        ("state", c_uint32),
        *((name, c_uint64) for name in SERVER_COUNTS),
        ("errors_by_status", POINTER(c_uint64)),
        ("errors_by_status_count", c_size_t),
    )


class Event(Structure):
    """cm_event."""

    _fields_ = (
        ("time_ms", c_int64),
        ("server", c_char_p),
        ("from_state", c_uint32),
        ("to_state", c_uint32),
        ("reason", c_char_p),
    )


# An object of the library is a c_void_p. An argument declared POINTER(X) takes an X
# by reference. c_char_p takes a bytes object as it is; its length goes beside it.
ResultPointer = POINTER(Result)
ExplanationPointer = POINTER(Explanation)
_ERROR_OUT = POINTER(c_void_p)
_KEY = (c_void_p, c_char_p, c_size_t)
_ITEM = (*_KEY, c_char_p, c_size_t)

cm_status_name = _function("cm_status_name", c_char_p, c_int32)
cm_error_message = _function("cm_error_message", c_char_p, c_void_p)
cm_error_server = _function("cm_error_server", c_char_p, c_void_p)
cm_error_state = _function("cm_error_state", c_uint32, c_void_p)
cm_error_free = _function("cm_error_free", None, c_void_p)

cm_options_new = _function("cm_options_new", c_void_p)
cm_options_set = _function("cm_options_set", c_int32, c_void_p, c_char_p, c_char_p, _ERROR_OUT)
cm_options_free = _function("cm_options_free", None, c_void_p)

cm_client_new = _function(
    "cm_client_new", c_int32, c_char_p, c_void_p, POINTER(c_void_p), _ERROR_OUT
)
cm_client_set_fleet = _function(
    "cm_client_set_fleet", c_int32, c_void_p, c_char_p, c_void_p, _ERROR_OUT
)
cm_client_set_servers = _function("cm_client_set_servers", c_int32, c_void_p, c_char_p, _ERROR_OUT)
cm_client_close = _function("cm_client_close", None, c_void_p)
cm_client_free = _function("cm_client_free", None, c_void_p)

cm_select_server = _function("cm_select_server", c_int32, *_KEY, POINTER(c_size_t), _ERROR_OUT)
cm_explain = _function(
    "cm_explain",
    *(c_int32, c_void_p, POINTER(Operation), c_size_t),
    *(POINTER(ExplanationPointer), _ERROR_OUT),
)
cm_explanation_free = _function("cm_explanation_free", None, ExplanationPointer)

cm_get = _function("cm_get", c_int32, *_KEY, POINTER(ResultPointer), _ERROR_OUT)
cm_gets = _function("cm_gets", c_int32, *_KEY, POINTER(ResultPointer), _ERROR_OUT)
cm_result_free = _function("cm_result_free", None, ResultPointer, library=_LIBRARY_LOCKED)

cm_set = _function("cm_set", c_int32, *_ITEM, c_uint32, c_int64, _ERROR_OUT)
cm_add = _function("cm_add", c_int32, *_ITEM, c_uint32, c_int64, _ERROR_OUT)
cm_replace = _function("cm_replace", c_int32, *_ITEM, c_uint32, c_int64, _ERROR_OUT)
cm_append = _function("cm_append", c_int32, *_ITEM, _ERROR_OUT)
cm_prepend = _function("cm_prepend", c_int32, *_ITEM, _ERROR_OUT)
cm_cas = _function("cm_cas", c_int32, *_ITEM, c_uint32, c_int64, c_uint64, _ERROR_OUT)
cm_delete = _function("cm_delete", c_int32, *_KEY, _ERROR_OUT)
cm_touch = _function("cm_touch", c_int32, *_KEY, c_int64, _ERROR_OUT)
cm_increment = _function("cm_increment", c_int32, *_KEY, c_uint64, POINTER(c_uint64), _ERROR_OUT)
cm_decrement = _function("cm_decrement", c_int32, *_KEY, c_uint64, POINTER(c_uint64), _ERROR_OUT)

_RESULTS_OUT = POINTER(c_void_p)
cm_execute = _function(
    "cm_execute",
    *(c_int32, c_void_p, POINTER(Operation), c_size_t, c_size_t, c_uint32),
    *(_RESULTS_OUT, _ERROR_OUT),
)
cm_stats = _function("cm_stats", c_int32, *_KEY, _RESULTS_OUT, _ERROR_OUT)
cm_flush_all = _function("cm_flush_all", c_int32, c_void_p, c_int64, _RESULTS_OUT, _ERROR_OUT)
cm_results_count = _function("cm_results_count", c_size_t, c_void_p)
cm_results_at = _function("cm_results_at", ResultPointer, c_void_p, c_size_t)
cm_results_free = _function("cm_results_free", None, c_void_p)

cm_servers_snapshot = _function(
    "cm_servers_snapshot", c_int32, c_void_p, POINTER(c_void_p), _ERROR_OUT
)
cm_servers_count = _function("cm_servers_count", c_size_t, c_void_p)
cm_servers_at = _function("cm_servers_at", POINTER(Server), c_void_p, c_size_t)
cm_servers_free = _function("cm_servers_free", None, c_void_p)
cm_events_take = _function("cm_events_take", c_int32, c_void_p, POINTER(c_void_p), _ERROR_OUT)
cm_events_count = _function("cm_events_count", c_size_t, c_void_p)
cm_events_at = _function("cm_events_at", POINTER(Event), c_void_p, c_size_t)
cm_events_dropped = _function("cm_events_dropped", c_uint64, c_void_p)
cm_events_free = _function("cm_events_free", None, c_void_p)
cm_metrics_prometheus = _function(
    "cm_metrics_prometheus", c_int32, c_void_p, POINTER(c_void_p), _ERROR_OUT
)
cm_text_free = _function("cm_text_free", None, c_void_p)

BlockPointer = POINTER(c_char)
_BLOCK_OUT = POINTER(BlockPointer)
_PACKED = (c_char_p, c_size_t, c_char_p)  # the bytes, how many, and the length of each piece
cm_get_multi_packed = _function(
    "cm_get_multi_packed", c_int32, c_void_p, c_uint32, *_PACKED, c_size_t, _BLOCK_OUT, _ERROR_OUT
)
cm_set_multi_packed = _function(
    "cm_set_multi_packed",
    *(c_int32, c_void_p, c_uint32),
    *(*_PACKED, *_PACKED, c_char_p, c_int64, c_size_t),
    *(_BLOCK_OUT, _ERROR_OUT),
)
cm_delete_multi_packed = _function(
    "cm_delete_multi_packed", c_int32, c_void_p, *_PACKED, c_size_t, _BLOCK_OUT, _ERROR_OUT
)
cm_block_free = _function("cm_block_free", None, BlockPointer, library=_LIBRARY_LOCKED)


class ClientHandle(c_void_p):
    """A cm_client, freed when nothing refers to it any more.

    A call in progress refers to it, so it is never freed under one.
    """

    def __del__(self, free: Callable[..., Any] = cm_client_free) -> None:
        """Free the client; NULL is fine."""
        free(self)


def failure(status: int, error: c_void_p) -> MemcachedError:
    """Turn a negative status and the error that came with it into an exception."""
    if not error:
        return error_for(status, cm_status_name(status).decode())
    try:
        message = cm_error_message(error).decode(errors="replace")
        server = cm_error_server(error).decode(errors="replace")
        return error_for(status, message, server, bool(cm_error_state(error) & _UNSENT))
    finally:
        cm_error_free(error)


def check(status: int, error: c_void_p) -> int:
    """Return the status of an answer; raise what a failure is about."""
    if status < 0:
        raise failure(status, error)
    return status
