"""Real memcached servers share keys, from four languages, and lose and gain one of their number.

At the end: what misses after a change of the fleet, with and without a handover.

`make demo` builds what this needs and runs it.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import handover
from consistent_memcached import Client, MemcachedError
from servers import Memcached

KEYS = 20_000
BATCH = 1000
CALLS = 300  # for each kind of call in the last part

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
STORE = PROJECT / "target/examples/store"
VERIFY = {
    "Python": [sys.executable, str(HERE / "verify.py")],
    "Ruby": ["ruby", "-I", str(PROJECT / "bindings/ruby/lib"), str(HERE / "verify.rb")],
    "Go": [str(PROJECT / "target/examples/verify-go")],
}


def main() -> None:
    """Run the parts one after another."""
    # Ctrl-C already unwinds the stack; these should do so too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the last part as well")
    svg = parser.parse_args().svg
    started = time.monotonic()
    with ExitStack() as stack:
        servers = [stack.enter_context(Memcached()) for _ in range(4)]
        say(f"four memcached servers: {', '.join(addresses(servers))}")
        four_languages(servers)
        show_shares(servers)
        fifth = stack.enter_context(Memcached())
        a_server_joins(servers, fifth)
        fleet = [*servers, fifth]
        a_server_dies(fleet, fleet[1])
        a_server_dies(fleet, fleet[2], failover="next")
        fresh = [stack.enter_context(Memcached()) for _ in range(5)]
        handover.show(addresses(fresh), svg)
    say(f"\ndone in {time.monotonic() - started:.0f} s; the servers are stopped")


def four_languages(servers: list[Memcached]) -> None:
    """Store the keys from C, then read them from the other languages."""
    with tempfile.TemporaryDirectory() as folder:
        owners = Path(folder, "owners")
        say(f"C: {store(servers, '-w', str(owners))}")
        for command in VERIFY.values():
            say(run([*command, str(KEYS), str(owners), *addresses(servers)]))


def show_shares(servers: list[Memcached]) -> None:
    """Print what each server says it holds."""
    items = [server.items() for server in servers]
    fair = KEYS / len(servers)
    say("\nserver               keys    share")
    for server, count in zip(servers, items):
        say(f"{server.address:18} {count:6}  {percent(count):>7}")
    say(f"fair share         {fair:6.0f}  {percent(fair):>7}")
    say(f"fullest over fair           {max(items) / fair:.3f}")


def a_server_joins(servers: list[Memcached], fifth: Memcached) -> None:
    """Measure how many keys miss when the list grows, for two distributions."""
    fleet = [*servers, fifth]
    say(f"\na fifth server joins: {fifth.address}")
    before = [server.items() for server in fleet]
    lost = count_misses(fleet)
    stored = [server.stored() for server in fleet]
    restart_with(fleet)
    after = [server.stored() - earlier for server, earlier in zip(fleet, stored)]
    least = sum(max(0, now - then) for then, now in zip(before, after))
    restart_with(servers, "distribution=modulo", flush=fleet)
    modulo = count_misses(fleet, distribution="modulo")
    say("keys that now miss")
    say(f"  by consistent hashing (rehash)   {percent(lost):>7}")
    say(f"  least possible                   {percent(least):>7}   what the five shares require")
    say(f"  by modulus hashing               {percent(modulo):>7}")


def a_server_dies(fleet: list[Memcached], victim: Memcached, **options: str) -> None:
    """Kill a server and show what calls come to, for its keys and for the others'."""
    fleet = [server for server in fleet if server.is_alive()]
    restart_with(fleet)
    with Client(addresses(fleet), **options) as client:
        keys = [f"user:{number:06}" for number in range(KEYS)]
        owners = dict(zip(keys, map(client.select_server, keys)))
        its = [key for key in keys if fleet[owners[key]] is victim]
        others = [key for key in keys if fleet[owners[key]] is not victim]
        timed_gets(client, keys[:CALLS])  # connect to every server
        victim.kill()
        how = ", ".join(f"{name}={value}" for name, value in options.items())
        say(f"\nserver {victim.address} is killed{how and ', with ' + how}")
        say("calls                     how many  median")
        show("for its keys", timed_gets(client, its[:CALLS]))
        show("for the other servers'", timed_gets(client, others[:CALLS]))
        all_in_one_call(client, keys)
        if options:
            client.set_multi(dict.fromkeys(its, b"again"))
            show("for its keys, set again", timed_gets(client, its[:CALLS]))


def all_in_one_call(client: Client, keys: list[str]) -> None:
    """Get all keys at once, and show what came."""
    start = time.perf_counter()
    failed = 0
    try:
        found = len(client.get_multi(keys))
    except MemcachedError as error:
        found, failed = len(error.results), len(error.failed)
    took = 1000 * (time.perf_counter() - start)
    missing = len(keys) - found - failed
    say(
        f"all {len(keys)} keys in one call: {found} found, {missing} misses, {failed} failed, "
        f"in {took:.0f} ms"
    )


def timed_gets(client: Client, keys: Iterable[str]) -> dict[str, list[float]]:
    """Get each key; return how long the calls took, by what they came to."""
    times: dict[str, list[float]] = {}
    for key in keys:
        start = time.perf_counter()
        try:
            outcome = "found" if client.get(key) is not None else "a miss"
        except MemcachedError as error:
            outcome = f"{type(error).__name__}: {error.message}"
        times.setdefault(outcome, []).append(time.perf_counter() - start)
    return times


def show(what: str, times: dict[str, list[float]]) -> None:
    """Print a line for each outcome of some calls."""
    for outcome, seconds in times.items():
        say(f"{what:25} {len(seconds):8}  {1e6 * median(seconds):4.0f} µs  {outcome}")


def store(servers: list[Memcached], *options: str) -> str:
    """Store all keys by the C example."""
    return run([str(STORE), *options, str(KEYS), *addresses(servers)])


def restart_with(
    servers: list[Memcached], *options: str, flush: list[Memcached] | None = None
) -> None:
    """Store all keys again, to empty servers."""
    for server in flush or servers:
        server.flush()
    store(servers, *(word for option in options for word in ("-o", option)))


def count_misses(servers: list[Memcached], **options: str) -> int:
    """Read all keys and return how many are not there."""
    keys = [f"user:{number:06}" for number in range(KEYS)]
    with Client(addresses(servers), **options) as client:
        batches = (keys[first : first + BATCH] for first in range(0, KEYS, BATCH))
        return KEYS - sum(len(client.get_multi(batch)) for batch in batches)


def run(command: list[str]) -> str:
    """Run a program and return its last line; what fails ends the demo."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def addresses(servers: Iterable[Memcached]) -> list[str]:
    """Return the addresses of the servers."""
    return [server.address for server in servers]


def percent(count: float) -> str:
    """Return a count as a part of all keys."""
    return f"{100 * count / KEYS:.2f} %"


def say(text: str) -> None:
    """Print at once, so that progress shows."""
    print(text, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(error.cmd[0]).name} failed: {error.stdout.strip()}")
