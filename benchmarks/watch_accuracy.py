"""How many holds the watcher sees, and whether it names the right line.

    python benchmarks/watch_accuracy.py [--runs 5] [--longest 200] -- PYTHON...

Runs the staged program under each interpreter, idle and beside busy loops, and prints a
table. It takes about 20 s a run.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
STAGED = Path(__file__).with_name("watch_staged.py")
LOOP = "while True: pass"
# A hold that came out shorter than this was not staged as wanted.
MIN_S = 0.015


class Score(NamedTuple):
    """What became of the holds of one run."""

    n_holds: int
    missed: list[str]
    n_reports: int
    # On another line, or of a kind that holds nothing.
    wrong: list[str]
    accused: list[str]
    n_unresolved: int


def judge(content: dict[str, Any]) -> Score:
    """Compare what was reported with what happened."""
    n_holds = n_reports = 0
    missed, wrong, accused = [], [], []
    for tried in content["tried"]:
        kind, reports = tried["kind"], tried["reports"]
        if not tried["lines"]:
            accused += [f"{kind}: {report['text']}" for report in reports]
            continue
        n_reports += len(reports)
        wrong += [
            f"{kind}: {report['text']} ({report['line']})"
            for report in reports
            if report["lines"][:1] != tried["lines"]
        ]
        if tried["own_s"] >= MIN_S:
            n_holds += 1
            if not any(report["lines"][:1] == tried["lines"] for report in reports):
                missed.append(f"{kind} ({tried['own_s'] * 1e3:.0f} ms)")
    n_unresolved = content["n_unresolved"]
    return Score(n_holds, missed, n_reports, wrong, accused, n_unresolved)


def run(python: str, arguments: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the staged program under an interpreter."""
    done = subprocess.run(
        (python, str(STAGED), *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=1800,
    )
    content: dict[str, Any] = json.loads(done.stdout)
    return content


@contextlib.contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep the cores busy."""
    loops = [subprocess.Popen((sys.executable, "-c", LOOP)) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--longest", default="200", help="longest hold, ms")
    parser.add_argument("--loops", type=int, nargs="*", default=[0, 4])
    parser.add_argument("python", nargs="*", default=[sys.executable])
    arguments = parser.parse_args()
    print("python   loops  seen        right line  accused  unresolved")  # noqa: T201
    for python in arguments.python:
        for n_loops in arguments.loops:
            with busy_loops(n_loops):
                contents = [
                    run(python, ("1", arguments.longest)) for _ in range(arguments.runs)
                ]
            show(contents, n_loops)


def show(contents: list[dict[str, Any]], n_loops: int) -> None:
    """Print a row, and what went wrong in it."""
    scores = [judge(content) for content in contents]
    n_holds = sum(score.n_holds for score in scores)
    missed = Counter(name for score in scores for name in score.missed)
    wrong = Counter(name for score in scores for name in score.wrong)
    accused = Counter(name for score in scores for name in score.accused)
    n_reports = sum(score.n_reports for score in scores)
    n_unresolved = sum(score.n_unresolved for score in scores)
    seen = f"{n_holds - missed.total()} of {n_holds}"
    right = f"{n_reports - wrong.total()} of {n_reports}"
    print(  # noqa: T201
        f"{contents[0]['python']:8} {n_loops:5}  {seen:11} {right:11} "
        f"{accused.total():7}  {n_unresolved:10}",
        flush=True,
    )
    for title, names in (("missed", missed), ("wrong", wrong), ("accused", accused)):
        for name, count in names.items():
            print(f"    {title}: {name} x {count}")  # noqa: T201


if __name__ == "__main__":
    main()
