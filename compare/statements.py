"""Statements side by side: the same answers? And which is faster, alone and in threads?

All of them are measured in the same rounds of one process of its own, so that it can
always be ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from compare.contract import ContractError
from compare.work import find_answer_fault
from gilscope.channel import Channel
from gilscope.environment import collect_environment
from gilscope.measurement import SizeRow
from gilscope.model import Check, Environment
from gilscope.probe.child import ask_child
from gilscope.record import Record
from gilscope.stats import Figure, summarize
from gilscope.timing.calls import StatementWork
from gilscope.timing.measuring import run_rounds
from gilscope.timing.rounds import MeasuredSubject, describe_cores, judge_gain
from gilscope.timing.statements import answer_order
from gilscope.units import describe_ratio


@dataclass(frozen=True)
class ComparedCall:
    """One statement beside the others.

    Attributes:
        name: the statement.
        difference: how its answer differs from that of the first, "" = not at all.
        check: whether it releases the GIL, and for how much of a call.
        row: its time alone, in two threads and beside a busy Python thread.
        speed: how many times as fast as the first it is alone.
    """

    name: str
    difference: str
    check: Check
    row: SizeRow
    speed: Figure


@dataclass(frozen=True)
class Comparison(Record):
    """Statements side by side.

    Attributes:
        environment: where they were compared.
        calls: in the order in which they were given.
        summary: the answer, in a sentence.
        warnings: reasons to doubt the figures.
    """

    environment: Environment
    calls: tuple[ComparedCall, ...]
    summary: str
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all answers are equal."""
        return not any(call.difference for call in self.calls)


def compare_statements(
    statements: Sequence[str],
    setup: str = "pass",
    *,
    timeout_s: float = 120.0,
    path: Sequence[str] | None = None,
) -> Comparison:
    """Compare statements, each with a namespace of its own.

    Args:
        statements: as `python -m timeit` takes them; the value of an expression is its
            answer.
        setup: what is run once before each of them.
        timeout_s: how long all of it may take.
        path: where modules are looked for; None = where this process does.

    Raises:
        StatementError: one of them raised, crashed or did not end in time.
    """
    order = {"statements": [*statements], "setup": setup}
    entry = f"{__name__}:serve"
    return ask_child(entry, order, Comparison, timeout_s=timeout_s, path=path)


def serve(channel: Channel) -> None:
    """Compare what the parent orders, and send what was found."""
    answer_order(channel, partial(compare_here, channel, **channel.order))


def compare_here(channel: Channel, statements: Sequence[str], setup: str) -> Comparison:
    """Return what is found out in this process, and tell each step."""
    environment = collect_environment()
    works = [StatementWork(one, setup) for one in statements]
    first, differences, checks = None, [], []
    for place, work in enumerate(works):
        channel.send({"step": repr(work.statement)})
        answer = work.call()
        first = first if place else answer
        try:
            differences.append(find_answer_fault(first, answer))
        except ContractError as error:
            channel.send({"error": f"{work.statement}: {error}"})
            channel.exit()
        checks.append(work.check(figures=True))
    channel.send({"step": "the measurement"})
    subjects = [MeasuredSubject(work) for work in works]
    warnings = run_rounds(subjects, (2,))
    calls = [
        ComparedCall(
            name=statement,
            difference=difference,
            check=found,
            row=subject.summarize(),
            speed=compute_speed(subjects[0], subject),
        )
        for statement, difference, found, subject in zip(
            statements, differences, checks, subjects, strict=True
        )
    ]
    doubts = (*warnings, *describe_cores(call.row.pair for call in calls))
    return Comparison(environment, tuple(calls), summarize_calls(calls), doubts)


def compute_speed(first: MeasuredSubject, other: MeasuredSubject) -> Figure:
    """Return how many times as fast as the first another one is alone."""
    # What is unclear has more rounds, which the other one has not.
    pairs = zip(first.rounds, other.rounds, strict=False)
    return summarize([one.call_s / side.call_s for one, side in pairs])


def summarize_calls(calls: Sequence[ComparedCall]) -> str:
    """Say the answer, in a sentence that the ranges bear."""
    wrong = [call.name for call in calls if call.difference]
    if wrong:
        return f"the answers differ: {', '.join(wrong)} from {calls[0].name}"
    gain = describe_gains(calls)
    first, second, *others = sorted(calls, key=lambda each: -each.speed.value)
    last = others[-1] if others else second
    if first.speed.low > second.speed.high:
        ratio = describe_ratio(first.speed.value / second.speed.value)
        return f"{first.name} is {ratio} as fast as {second.name} alone; {gain}"
    if first.speed.low > last.speed.high:
        which = f"{first.name} and {second.name}, the fastest alone"
        return f"no difference seen between {which}; {gain}"
    return f"no difference seen in their time alone; {gain}"


def describe_gains(calls: Sequence[ComparedCall]) -> str:
    """Say which of them gain from a second thread, and of which it is open."""
    gains = {
        call.name: judge_gain(
            call.row.pair, is_held=call.check.verdict in ("holds", "preemptible")
        )
        for call in calls
        if call.row.pair
    }
    gaining = [name for name, gain in gains.items() if gain in ("much", "little")]
    unclear = [name for name, gain in gains.items() if gain in ("no core", "unclear")]
    if not gaining and "no core" in gains.values():
        return "no second core was free to show what a second thread gains"
    effect = "from a second thread"
    if unclear:
        verb = "gains" if len(unclear) == 1 else "gain"
        words = f"whether {' and '.join(unclear)} {verb} {effect} could not be told"
        others = [f"{name} does" for name in gaining]
        return f"{words}, {' and '.join(others)}" if others else words
    if len(gaining) == 1 < len(gains):
        return f"{gaining[0]} is the only one that gains {effect}"
    if len(gaining) in (0, len(gains)):
        return f"{'all of them gain' if gaining else 'none of them gains'} {effect}"
    return f"{' and '.join(gaining)} alone gain {effect}"
