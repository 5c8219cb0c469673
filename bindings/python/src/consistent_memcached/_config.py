"""Servers and options as the text that the library takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import c_void_p
from typing import Union

from . import _library as lib

Server = Union[str, tuple[str, int]]
Servers = Union[str, Iterable[Server]]
Option = Union[str, int, bool]

_SEPARATOR = re.compile("[,\n]")


def server_text(servers: Servers) -> str:
    """Return the list of servers as one text."""
    if isinstance(servers, str):
        return servers
    return "\n".join(map(_one_server, servers))


def _one_server(server: Server) -> str:
    if isinstance(server, tuple):
        address, weight = server
        server = f"{address} weight={weight}"
    if _SEPARATOR.search(server):
        raise ValueError(f"more than one server in an item of the list: {server!r}")
    return server


def split_servers(text: str) -> list[str]:
    """Return the servers of such a text, each as it was given."""
    return [server for server in map(str.strip, _SEPARATOR.split(text)) if server]


@contextmanager
def settings(options: Mapping[str, Option]) -> Iterator[int]:
    """Make the library's options, for as long as the block runs."""
    made = lib.cm_options_new()
    error = c_void_p()
    try:
        for name, value in options.items():
            setting = c_string(name), c_string(_option_text(name, value))
            lib.check(lib.cm_options_set(made, *setting, error), error)
        yield made
    finally:
        lib.cm_options_free(made)


def _option_text(name: str, value: Option) -> str:
    """Return the value of an option as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value
    raise TypeError(f"option {name} is str, int or bool, not {type(value).__name__}")


def c_string(text: str) -> bytes:
    """Return a text as C takes it; C would cut it at a NUL."""
    if "\0" in text:
        raise ValueError("embedded null character")
    return text.encode()
