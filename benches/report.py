"""The tables: padded Markdown, which reads well in a terminal too."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from counts import Counts
from measure import Ratio, Result
from rows import Cores, Metric, Row, Target

BEGIN = "<!-- benchmarks: written by `make bench` -->\n"
END = "<!-- end of benchmarks -->\n"

NAMES: dict[Metric, str] = {
    "rate": "keys/s",
    "p50": "median time",
    "p99": "99th percentile of time",
    "cpu": "processor time",
}


def table(heads: list[str], lines: list[list[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are figures."""
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]

    def padded(line: list[str]) -> str:
        first, *others = line
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, widths[1:])]
        return f"| {' | '.join(cells)} |\n"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return padded(heads) + padded(rule) + "".join(padded(line) for line in lines)


def about(ratio: Ratio) -> str:
    """Return a ratio and its quartiles."""
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


CORES: dict[Cores, str] = {
    "apart": "the client on one core, the servers on another",
    "together": "client and servers on one core",
    "free": "client and servers on all cores",
}


def how(row: Row) -> str:
    """Return what the title of a row does not tell."""
    threads = "one thread" if row.threads == 1 else f"{row.threads} threads"
    size = f"values of {row.value_bytes:,} bytes"
    return f"{row.servers} servers, {size}, {threads}, {CORES[row.cores]}."


def of_row(result: Result) -> str:
    """Return what came of a row."""
    row, lines = result.row, []
    for peer in row.peers:
        if peer.name not in result.turns:
            continue
        rate, p50, p99, cpu = (result.figure(m, peer) for m in ("rate", "p50", "p99", "cpu"))
        figures = [f"{rate:,.0f}", f"{p50 * 1e6:,.1f}", f"{p99 * 1e6:,.1f}", f"{cpu * 1e6:.2f}"]
        same = peer == row.ours
        ratios = [] if same else [about(result.ratio("rate", row.ours, peer))]
        ratios += [] if same else [f"{result.ratio('cpu', row.ours, peer).median:.2f}"]
        lines.append([peer.name, *figures, *(ratios or ["", ""])])
    heads = ["", "keys/s", "p50 µs", "p99 µs", "CPU µs/key", "ours/it: keys/s", "ours/it: CPU"]
    text = f"### {row.title}\n\n{how(row)}\n\n"
    text += table(heads, lines) if lines else ""
    if result.disturbed:
        text += f"\nOther programs were busy in {result.disturbed} of these rounds.\n"
    return text + left_out(result.left_out)


def left_out(reasons: dict[str, str]) -> str:
    """Return a line for each peer that did not take part."""
    return "".join(f"\nLeft out: {name}: {reason}\n" for name, reason in reasons.items())


def of_counts(counts: Counts) -> str:
    """Return what a call costs that no clock shows."""
    lines = []
    for peer in (counts.row.ours, *counts.row.others):
        calls = counts.system_calls.get(peer.name)
        instructions = counts.instructions.get(peer.name)
        if calls is not None or instructions is not None:
            calls_text = "" if calls is None else f"{calls:.2f}"
            instructions_text = "" if instructions is None else f"{instructions:,.0f}"
            lines.append([peer.name, calls_text, instructions_text])
    text = f"### What one {counts.row.title} costs\n\n"
    text += table(["", "system calls", "instructions, user space"], lines) if lines else ""
    return text + left_out(counts.left_out)


def verdict(target: Target, ratio: Ratio) -> bool:
    """Return whether a target is reached."""
    if target.metric == "rate":
        return ratio.median >= target.bound
    return ratio.median <= target.bound


def judged(results: list[Result]) -> list[dict[str, Any]]:
    """Return every target with what came of it."""
    judgements = []
    for result in results:
        for target in result.row.targets:
            peer = result.best_of(target)
            if peer is None or result.row.ours.name not in result.turns:
                continue
            ours = result.row.ours
            ratio = result.ratio(target.metric, ours, peer)
            noise = result.ratio(target.metric, result.row.again, ours)
            judgements.append(
                {
                    "row": result.row.title,
                    "metric": target.metric,
                    "against": peer.name,
                    "ratio": asdict(ratio),
                    "bound": target.bound,
                    "reached": verdict(target, ratio),
                    "noise": asdict(noise),
                }
            )
    return judgements


def of_targets(results: list[Result]) -> str:
    """Return the table of targets."""
    lines = []
    for judgement in judged(results):
        sign = "≥" if judgement["metric"] == "rate" else "≤"
        lines.append(
            [
                f"{judgement['row']}: {NAMES[judgement['metric']]}, against {judgement['against']}",
                about(Ratio(**judgement["ratio"])),
                f"{sign} {judgement['bound']:g}",
                "reached" if judgement["reached"] else "missed",
                about(Ratio(**judgement["noise"])),
            ]
        )
    heads = ["this library's figure over the peer's", "ratio", "target", "", "ours over ours"]
    return "## Targets\n\n" + table(heads, lines) if lines else ""


def of_machine(machine: dict[str, str]) -> str:
    """Return where and with what the run was made."""
    return "## Machine\n\n" + table(["", ""], [[*item] for item in machine.items()])


def as_json(machine: dict[str, str], results: list[Result], counts: list[Counts]) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        "machine": machine,
        "rows": [asdict(result) for result in results],
        "counts": [asdict(count) for count in counts],
        "targets": judged(results),
    }


def write_into(document: Path, text: str) -> None:
    """Replace what stands between the markers."""
    before, _, rest = document.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{document} has no place for the benchmarks")
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
