"""Turns, rounds and the ratios between them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median, quantiles

from contender import Contender, FailedError, UnableError
from quiet import Patience, Watch
from rows import Metric, Peer, Row, Target

from fleet import FOR_PEERS, Fleet, core


@dataclass(frozen=True)
class Turn:
    """What came of some calls of one contender: keys a second, and seconds."""

    rate: float
    p50: float
    p99: float
    cpu: float  # for each key


@dataclass(frozen=True)
class Ratio:
    """A ratio taken in each round: its median and quartiles."""

    median: float
    low: float
    high: float


@dataclass
class Result:
    """What came of a row."""

    row: Row
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    disturbed: int = 0  # rounds kept though other programs were busy

    def figure(self, metric: Metric, peer: Peer) -> float:
        """Return the median over the rounds."""
        return float(median(getattr(turn, metric) for turn in self.turns[peer.name]))

    def ratio(self, metric: Metric, peer: Peer, other: Peer) -> Ratio:
        """Compare two contenders, round by round."""
        pairs = zip(self.turns[peer.name], self.turns[other.name])
        ratios = [getattr(turn, metric) / getattr(base, metric) for turn, base in pairs]
        low, middle, high = quantiles(ratios, n=4, method="inclusive") if ratios[1:] else ratios * 3
        return Ratio(middle, low, high)

    def best_of(self, target: Target) -> Peer | None:
        """Return the peer that is hardest to beat, of those that took part."""
        there = [peer for peer in target.against if peer.name in self.turns]
        choose = max if target.metric == "rate" else min
        return choose(there, key=lambda peer: self.figure(target.metric, peer), default=None)


def start(row: Row, fleet: Fleet, stack: ExitStack, result: Result) -> list[Contender]:
    """Start those who can take part."""
    contenders = []
    for peer in row.peers:
        if peer.name in result.left_out:
            continue
        try:
            with core(row, FOR_PEERS):
                contender = Contender(peer, row, fleet.addresses)
        except UnableError as error:
            result.left_out[peer.name] = str(error)
        else:
            stack.callback(contender.kill)
            contenders.append(contender)
    return contenders


@dataclass
class Match:
    """The contenders of a row on its servers, ready."""

    row: Row
    fleet: Fleet
    contenders: list[Contender]
    calls: list[int] = field(default_factory=list)  # that make a turn, of each contender
    made: int = 0  # calls so far
    rounds: int = 0

    def calibrate(self, seconds: float) -> None:
        """Find out how many calls make a turn of about so long."""
        for contender in self.contenders:
            calls, took = 4, 0.0
            while (took := self._run(contender, calls)[0]) < seconds / 2:
                calls *= 2
            self.calls.append(max(4, round(calls * seconds / took)))

    def round(self) -> dict[str, Turn]:
        """Let each take a turn; each round begins with another."""
        turns = list(zip(self.contenders, self.calls))
        first = self.rounds % len(turns)
        turns = turns[first:] + turns[:first]
        self.rounds += 1
        made = {}
        for contender, calls in turns if self.rounds % 2 else reversed(turns):
            self._run(contender, calls // 5 + 1)
            took, cpu, p50, p99 = self._run(contender, calls)
            keys = calls * self.row.batch
            made[contender.name] = Turn(keys / took, p50, p99, cpu / keys)
        return made

    def processes(self) -> list[int]:
        """Return the processes of this benchmark."""
        return [*self.fleet.processes, *(contender.pid for contender in self.contenders)]

    def _run(self, contender: Contender, calls: int) -> tuple[float, float, float, float]:
        self.made += calls
        return contender.run(calls)


def measure(row: Row, rounds: int, seconds: float, patience: Patience) -> Result:
    """Measure a row; if a peer fails, again without it."""
    failed: dict[str, str] = {}
    while True:
        try:
            return attempt(Result(row, left_out=dict(failed)), rounds, seconds, patience)
        except FailedError as error:
            if error.peer.is_ours:
                raise
            failed[error.peer.name] = str(error)


def attempt(result: Result, rounds: int, seconds: float, patience: Patience) -> Result:
    """Let the contenders take turns; the servers' counters show that everything was done."""
    row = result.row
    with ExitStack() as stack:
        fleet = Fleet(row, stack)
        match = Match(row, fleet, start(row, fleet, stack, result))
        if row.ours.name in result.left_out:
            return result
        before = fleet.done()
        match.calibrate(seconds)
        while len(result.turns.get(row.ours.name, ())) < rounds:
            patience.wait_for_quiet(match.processes())
            watch = Watch(match.processes())
            made = match.round()
            if patience.repeats(watch):
                continue
            result.disturbed += watch.disturbed()
            for name, turn in made.items():
                result.turns.setdefault(name, []).append(turn)
        done, expected = fleet.done() - before, match.made * row.batch
        if done != expected:
            sys.exit(f"{row.title}: the servers did {done} operations, not {expected}")
        for contender in match.contenders:
            contender.close()
    return result
