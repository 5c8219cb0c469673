"""Changes of the fleet with and without a handover: the share of reads that miss, over time.

A fifth server joins, or another way of placing keys is taken. Programs read keys at random, and
store what they miss. `make demo` shows it as text; `make demo SVG=FILE` draws a picture as well.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path

from consistent_memcached import Client

KEYS = 5000
STEP = 0.1  # seconds
BEFORE = 5  # steps until the change
STEPS = 20
HANDOVER_MS = 60_000
VALUE = b"x" * 100

Shares = list[float]


@dataclass(frozen=True)
class Change:
    """What is changed: the way keys are placed, and whether a server joins."""

    title: str
    before: str
    after: str
    joins: bool


CHANGES = [
    Change("a fifth server joins, under rehash", "rehash", "rehash", joins=True),
    Change("a fifth server joins, under modulo", "modulo", "modulo", joins=True),
    Change("four servers go from modulo to rehash", "modulo", "rehash", joins=False),
]


class Program:
    """Reads keys, and stores those that it misses."""

    def __init__(self, servers: list[str], prefix: str, distribution: str, handover: int) -> None:
        """Store every key."""
        self.client = Client(
            servers,
            key_prefix=prefix,
            distribution=distribution,
            handover_ms=handover,
            timeout_ms=10_000,
        )
        self.client.set_multi(dict.fromkeys(map(name, range(KEYS)), VALUE))
        self.reads = [0] * STEPS
        self.misses = [0] * STEPS

    def read(self, key: str, step: int) -> None:
        """Get a key, within this step."""
        self.reads[step] += 1
        if self.client.get(key) is None:
            self.misses[step] += 1
            self.client.set(key, VALUE)

    def shares(self) -> Shares:
        """Return the share of reads that missed, for each step."""
        return [misses / max(1, reads) for reads, misses in zip(self.reads, self.misses)]


def show(servers: list[str], svg: Path | None) -> None:
    """Make every change, with the last of these servers as the one that joins."""
    panels = []
    for number, change in enumerate(CHANGES):
        programs = run(change, servers, f"{number}:")
        shares = [program.shares() for program in programs]
        panels.append((change.title, shares))
        print(f"\n{change.title}, after {BEFORE * STEP} s: reads that miss, in each {STEP} s")
        for line in chart(shares, [sum(program.misses) for program in programs]):
            print(line, flush=True)
    if svg:
        svg.write_text(picture(panels))


def run(change: Change, servers: list[str], prefix: str) -> list[Program]:
    """Return the programs without and with a handover; they take turns, read by read."""
    fleet = servers[:-1]
    chance = random.Random(0)
    with ExitStack() as stack:
        programs = []
        for kind, handover in (("without", 0), ("with", HANDOVER_MS)):
            program = Program(fleet, f"{prefix}{kind}:", change.before, handover)
            programs.append(program)
            stack.enter_context(program.client)
        is_changed = False
        for step in steps():
            if step >= BEFORE and not is_changed:
                for program in programs:
                    new = servers if change.joins else fleet
                    program.client.set_servers(new, distribution=change.after)
                is_changed = True
            key = name(chance.randrange(KEYS))
            for program in programs:
                program.read(key, step)
    return programs


def steps() -> Iterator[int]:
    """Yield the number of the current step, again and again, until the last is over."""
    start = time.monotonic()
    while (step := int((time.monotonic() - start) / STEP)) < STEPS:
        yield step


def name(number: int) -> str:
    """Return a key."""
    return f"user:{number:06}"


# ---- text ----

ROWS = 4
BLOCKS = " ▁▂▃▄▅▆▇█"


def chart(shares: list[Shares], misses: list[int]) -> Iterator[str]:
    """Yield the lines of two charts side by side."""
    top = scale(shares)
    for row in reversed(range(ROWS)):
        label = {ROWS - 1: f"{top:.0%}", 0: "0%"}.get(row, "")
        bars = ["".join(block(share / top, row) for share in side) for side in shares]
        yield f"{label:>5} ┤{bars[0]}   ┤{bars[1]}"
    captions = [f"without: {misses[0]} misses", f"with handover_ms: {misses[1]} misses"]
    yield f"{'':7}{captions[0]:{STEPS + 4}}{captions[1]}"


def block(height: float, row: int) -> str:
    """Return the part of a bar that is in this row; 0 is the lowest."""
    eighths = round(8 * ROWS * height) or (1 if height else 0)
    if eighths == row == 0:
        return "·"
    return BLOCKS[min(8, max(0, eighths - 8 * row))]


def scale(shares: Iterable[Shares]) -> float:
    """Return the fifth that is not below any share."""
    highest = max(map(max, shares))
    return next(fifth / 5 for fifth in count(1) if fifth / 5 >= highest)


# ---- the picture ----

WIDTH, HEIGHT = 900, 250
PANEL, GAP = 240, 50  # width of a panel, and what is left of it
TOP, BOTTOM = 70, 210
INK, GRID, WITHOUT, WITH = "#333333", "#DDDDDD", "#B0B7BF", "#2B6CB0"


def picture(panels: list[tuple[str, list[Shares]]]) -> str:
    """Return an SVG with a panel for each change."""
    parts = [
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif">',
        rectangle(0, 0, WIDTH, HEIGHT, "#FFFFFF"),
        text(12, 20, f"Share of reads that miss, in each {STEP} s", size=13),
        rectangle(380, 15, 10, 10, WITHOUT),
        text(395, 20, "without a handover"),
        rectangle(530, 18, 14, 3, WITH),
        text(549, 20, "with handover_ms"),
    ]
    for number, (title, shares) in enumerate(panels):
        left = GAP + number * (PANEL + GAP)
        parts.append(text(left, TOP - 20, title, size=11))
        parts += panel(left, shares)
    return "\n".join([*parts, "</svg>", ""])


def panel(left: int, shares: list[Shares]) -> Iterator[str]:
    """Yield the parts of a panel: axes, bars without a handover, a line with one."""
    top, width = scale(shares), PANEL / STEPS
    for tick in range(5):
        y = height_of(tick / 4)
        yield rectangle(left, y, PANEL, 1, GRID)
        yield text(left - 6, y, f"{top * tick / 4:.0%}", anchor="end")
    for seconds in range(int(STEPS * STEP) + 1):
        x = left + seconds / STEP * width
        yield text(x, BOTTOM + 16, f"{seconds} s", anchor="middle")
    for step, share in enumerate(shares[0]):
        y = height_of(share / top)
        yield rectangle(left + step * width + 1, y, width - 2, BOTTOM - y, WITHOUT)
    points = [
        (left + (step + 0.5) * width, height_of(share / top))
        for step, share in enumerate(shares[1])
    ]
    for (x, y), (next_x, next_y) in pairwise(points):
        yield (
            f'<line x1="{x:g}" y1="{y:.1f}" x2="{next_x:g}" y2="{next_y:.1f}" '
            f'stroke="{WITH}" stroke-width="3" stroke-linecap="round"/>'
        )


def height_of(part: float) -> float:
    """Return where a part of the scale is."""
    return BOTTOM - part * (BOTTOM - TOP)


def rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Return a filled rectangle."""
    return f'<rect x="{x:g}" y="{y:.1f}" width="{width:g}" height="{height:.1f}" fill="{colour}"/>'


def text(x: float, y: float, words: str, size: int = 10, anchor: str = "start") -> str:
    """Return text with its middle at this height."""
    return (
        f'<text x="{x:g}" y="{y:.1f}" dy="0.35em" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{INK}">{words}</text>'
    )
