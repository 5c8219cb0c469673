"""pymemcache's own placement, timed for the benchmark.

Usage: pymemcache_peer.py SERVERS KEYS, two files with a line for each. See ../peer.rs for what
is asked of a peer.
"""

import itertools
import sys
import time
from pathlib import Path

from pymemcache.client.rendezvous import RendezvousHash


def main() -> None:
    servers, keys = (Path(path).read_text().splitlines() for path in sys.argv[1:])
    get_node = RendezvousHash(servers).get_node
    number = {server: index for index, server in enumerate(servers)}
    for line in sys.stdin:
        order, count = line.split()
        if order == "owners":
            owners = (number[get_node(key)] for key in keys[: int(count)])
            print(*owners, flush=True)
        else:
            lookups = list(itertools.islice(itertools.cycle(keys), int(count)))
            start = time.perf_counter_ns()
            for key in lookups:
                get_node(key)
            print(time.perf_counter_ns() - start, flush=True)


main()
