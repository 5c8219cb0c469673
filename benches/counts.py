"""What one call costs that no clock shows: system calls and instructions in user space."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from contender import Contender, FailedError, UnableError
from rows import Peer, Row

from fleet import Fleet

# Calls; the difference leaves starting and ending out. What a client does while it starts may
# vary with the time: with many calls that hardly shows.
FEW = 1000
MANY = {"strace": 21_000, "valgrind": 3000}


@dataclass
class Counts:
    """For each peer, what one call takes; a tool that is missing leaves its part empty."""

    row: Row
    system_calls: dict[str, float] = field(default_factory=dict)
    instructions: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def strace_total(report: str) -> int:
    """Read the sum of all calls from the table of strace -c."""
    found = re.search(r"^\s*100\.00\s+\S+\s+\d+\s+(\d+).*total$", report, re.MULTILINE)
    if found is None:
        raise ValueError(f"strace says {report!r}")
    return int(found[1])


def callgrind_total(report: str) -> int:
    """Read the sum of all instructions from a profile of callgrind."""
    found = re.search(r"^totals: (\d+)", report, re.MULTILINE)
    if found is None:
        raise ValueError("callgrind wrote no totals")
    return int(found[1])


def tools(output: Path) -> dict[str, tuple[str, ...]]:
    """Return what counts system calls and instructions."""
    return {
        "strace": ("strace", "-f", "-c", "-o", str(output)),
        "valgrind": ("valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={output}"),
    }


def count_one(peer: Peer, fleet: Fleet, tool: str) -> float:
    """Count what one call of a peer takes."""
    totals = []
    for calls in (FEW, MANY[tool]):
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "report")
            contender = Contender(peer, fleet.row, fleet.addresses, tools(output)[tool])
            try:
                contender.plain(calls)
                contender.close()
            finally:
                contender.kill()
            total = strace_total if tool == "strace" else callgrind_total
            totals.append(total(output.read_text()))
    return (totals[1] - totals[0]) / (MANY[tool] - FEW)


def count(row: Row) -> Counts:
    """Count for every peer of a row."""
    counts = Counts(row)
    with ExitStack() as stack:
        fleet = Fleet(row, stack)
        for tool, figures in (("strace", counts.system_calls), ("valgrind", counts.instructions)):
            if shutil.which(tool) is None:
                counts.left_out[tool] = "is not installed"
                continue
            for peer in (row.ours, *row.others):
                try:
                    figures[peer.name] = count_one(peer, fleet, tool)
                except (UnableError, FailedError) as error:
                    counts.left_out[f"{peer.name} under {tool}"] = str(error)
    return counts
