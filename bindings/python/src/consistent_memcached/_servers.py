"""What concerns servers rather than items, as methods of the client."""

from __future__ import annotations

from ctypes import c_size_t, c_void_p
from typing import Any, Callable

from . import _library as lib
from ._operations import call
from ._values import Key, Name, RoutedKey, encode_key, seconds
from .errors import partly
from .explanation import Explanation, explain
from .metrics import Events, ServerMetrics, events, metrics, prometheus


class ServerMethods:
    """The methods that ask about servers, or ask them all."""

    _handle: lib.ClientHandle
    _servers: list[str]

    def select_server(self, key: Key, *, route: Name | None = None) -> int:
        """Return which server of the list, counted from 0, is the key's."""
        name = encode_key(key, route)
        if type(name) is RoutedKey:
            return explain(self._handle, name).server
        index = c_size_t()
        error = c_void_p()
        lib.check(lib.cm_select_server(self._handle, name, len(name), index, error), error)
        return index.value

    def explain(self, key: Key, *, route: Name | None = None) -> Explanation:
        """Return where the key belongs, and why. Asks no server."""
        return explain(self._handle, encode_key(key, route))

    def get_stats(self, stat_args: str = "") -> list[tuple[str, dict[str, str]]]:
        """Return each server, as it was given, with its statistics.

        ``stat_args`` asks for special ones, such as ``"items"``. If a server gives no
        answer this raises; the exception has those of the others in ``results``.
        """
        argument = stat_args.encode()
        return list(self._all_servers(lib.cm_stats, argument, len(argument)).items())

    def flush_all(self, delay: int = 0) -> None:
        """Remove every item of every server, ``delay`` seconds from now."""
        self._all_servers(lib.cm_flush_all, seconds(delay))

    def metrics(self) -> list[ServerMetrics]:
        """Return what is known of each server, in the order of the list. Asks no server.

        Counts begin when the client is made, and anew in a child of a fork.
        """
        return metrics(self._handle)

    def events(self) -> Events:
        """Return what has become of the servers since this was last asked, by any thread.

        A client keeps the last 1024 changes of state; ``dropped`` is how many more there were.
        """
        return events(self._handle)

    def prometheus(self) -> str:
        """Return the metrics in Prometheus' text format, version 0.0.4. Asks no server."""
        return prometheus(self._handle)

    def _all_servers(
        self, function: Callable[..., int], *arguments: Any
    ) -> dict[str, dict[str, str]]:
        """Return what each server answered to a call that asks them all."""
        results, failure = call(function, self._handle, *arguments)
        answers: dict[str, dict[str, str]] = {}
        failed: dict[str, int] = {}
        for server, result in zip(self._servers, results):
            if result.status == lib.OK:
                answers[server] = _parse_lines(result.value.decode())
            else:
                failed[server] = result.status
        if failure:
            raise partly(failure, answers, failed)
        return answers


def _parse_lines(text: str) -> dict[str, str]:
    """Read lines of NAME and VALUE."""
    return dict(line.partition(" ")[::2] for line in text.split("\n") if line)
