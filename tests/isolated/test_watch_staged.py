"""The watcher on a program with holds of many kinds: benchmarks/watch_staged.py."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.watch_accuracy import busy_loops, judge, run
from tests.looks import look_until

pytestmark = pytest.mark.usefixtures("needs_watch")
ROOT = Path(__file__).parent.parent.parent

SOAK = """
import hashlib, json, sys, threading, time, gilscope
end = time.monotonic() + float(sys.argv[1])
content = bytes(8 << 20)
def compute():
    number = 0
    while time.monotonic() < end:
        number += 1
def digest():
    while time.monotonic() < end:
        hashlib.sha256(content).digest()
def sleep():
    while time.monotonic() < end:
        time.sleep(0.003)
with gilscope.watch() as watched:
    threads = [threading.Thread(target=f) for f in (compute, compute, digest, sleep)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(json.dumps([[hold.text, hold.line, hold.longest_s] for hold in watched.holds]))
"""


def test_most_holds_are_seen_on_their_line_and_nobody_is_accused():
    def look():
        content = run(sys.executable, ("1", "60"))
        tried = content["tried"]
        assert len({one["kind"] for one in tried if one["lines"]}) >= 14
        assert len({one["kind"] for one in tried if not one["lines"]}) >= 6
        score = judge(content)
        assert (score.wrong, score.accused, score.n_unresolved) == ([], [], 0)
        return score

    # A busy machine misses some; benchmarks/watch_accuracy.py counts them.
    score = look_until(lambda found: len(found.missed) <= found.n_holds // 4, look)
    assert len(score.missed) <= score.n_holds // 4, score.missed


def soak(seconds):
    done = subprocess.run(
        (sys.executable, "-c", SOAK, str(seconds)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=seconds + 240,
    )
    return json.loads(done.stdout)


def test_threads_that_compute_hash_and_sleep_are_not_reported():
    assert soak(2) == []


@pytest.mark.nightly
def test_a_soak_beside_busy_loops_reports_nothing():
    start = time.monotonic()
    with busy_loops(4):
        assert soak(20) == []
    assert time.monotonic() - start >= 20
