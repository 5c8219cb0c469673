"""This library beside its peers, in one run on real servers: `make bench`.

Every peer is a process that makes calls when it is told to. They take turns in short rounds, so
that the machine's moods hit all of them, and are compared round by round. This library takes
part twice: what differs between the two is noise.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import signal
import sys
import time
from pathlib import Path

import machine
import report
from contender import FailedError
from counts import count
from measure import measure
from quiet import Patience
from rows import COUNTED, ROWS


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="for each row (15)")
    parser.add_argument("--turn-ms", type=int, default=100, help="how long a turn lasts (100)")
    parser.add_argument(
        "--patience", type=int, default=180, help="seconds that may be lost to other programs (180)"
    )
    parser.add_argument("--only", default="", help="the rows whose title has this expression")
    parser.add_argument("--no-counts", action="store_true", help="no strace, no callgrind")
    parser.add_argument("--json", type=Path, help="write everything that was measured here")
    parser.add_argument("--write", type=Path, help="write the tables into this document")
    parser.add_argument("--smoke", action="store_true", help="only whether this works")
    wanted = parser.parse_args()
    if wanted.smoke:
        wanted.rounds, wanted.turn_ms, wanted.patience, wanted.no_counts = 1, 1, 0, True
    return wanted


def say(text: str) -> None:
    """Print a part of the report and a blank line."""
    print(text, flush=True)


def main() -> None:
    """Measure, print, write."""
    # Ctrl-C already unwinds the stack; these should do so too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # 256 threads, 4 connections each
    wanted = arguments()
    started = time.monotonic()
    where = machine.describe()
    rows = [row for row in ROWS if re.search(wanted.only, row.title)]
    results, counts = [], []
    patience = Patience(wanted.patience)
    for row in rows:
        try:
            results.append(measure(row, wanted.rounds, wanted.turn_ms / 1000, patience))
        except FailedError as error:
            sys.exit(f"{row.title}: {error.peer.name}: {error}")
        say(report.of_row(results[-1]))
    for row in COUNTED if not wanted.no_counts else ():
        if row in rows:
            counts.append(count(row))
            say(report.of_counts(counts[-1]))
    targets = report.of_targets(results)
    say(targets)
    where["rounds"] = f"{wanted.rounds} of {wanted.turn_ms} ms for each contender"
    where["took"] = f"{time.monotonic() - started:.0f} s"
    say(report.of_machine(where))
    if wanted.json:
        wanted.json.write_text(json.dumps(report.as_json(where, results, counts), indent=1) + "\n")
    if wanted.write:
        parts = [report.of_machine(where), targets, "## Rows\n", *map(report.of_row, results)]
        report.write_into(wanted.write, "\n".join([*parts, *map(report.of_counts, counts)]))


if __name__ == "__main__":
    main()
