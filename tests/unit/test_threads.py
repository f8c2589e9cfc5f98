"""Threads that start together, and the switch interval under one lock."""

import argparse
import os
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from gilscope.cli.options import parse_counts
from gilscope.threads import (
    SIZE_LIMITS,
    check_counts,
    run_together,
    switch_interval,
)


def test_the_interval_is_set_and_put_back():
    before = sys.getswitchinterval()
    with switch_interval(0.5) as set_interval:
        assert sys.getswitchinterval() == 0.5
        set_interval(0.25)
        assert sys.getswitchinterval() == 0.25
    assert sys.getswitchinterval() == before


def test_the_interval_is_put_back_after_an_error():
    before = sys.getswitchinterval()
    with pytest.raises(KeyError), switch_interval(0.5):
        raise KeyError
    assert sys.getswitchinterval() == before


def test_an_interval_that_is_none_leaves_the_turn_to_others():
    with pytest.raises(ValueError, match="switch interval"), switch_interval(-1.0):
        pass
    with switch_interval(0.5):
        assert sys.getswitchinterval() == 0.5


def test_one_use_inside_another_is_an_error_and_not_a_deadlock():
    expected = "^expected one check or measurement at a time"
    with (
        switch_interval(0.5),
        pytest.raises(RuntimeError, match=expected),
        switch_interval(0.25),
    ):
        pass


def test_two_threads_take_turns():
    seen = []

    def use(seconds):
        with switch_interval(seconds):
            time.sleep(0.01)
            seen.append(sys.getswitchinterval() == seconds)

    run_together(lambda: use(0.5), lambda: use(0.25))
    assert seen == [True, True]


def test_a_turn_that_does_not_come_is_an_error(monkeypatch):
    monkeypatch.setattr("gilscope.threads.TURN_TIMEOUT_S", 0.01)
    taken, done = threading.Event(), threading.Event()

    def keep():
        with switch_interval(0.5):
            taken.set()
            done.wait(30)

    keeper = threading.Thread(target=keep)
    keeper.start()
    taken.wait(30)
    try:
        with (
            pytest.raises(TimeoutError, match=r"has not come to its end for 0\.01 s"),
            switch_interval(0.5),
        ):
            pass
    finally:
        done.set()
        keeper.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_gets_the_interval_back_and_the_turn_too():
    before = sys.getswitchinterval()
    with switch_interval(0.5):
        child = os.fork()
        if child == 0:
            status = sys.getswitchinterval() != before
            try:
                with switch_interval(0.25):
                    pass
            except BaseException:
                status = True
            os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


def test_the_results_come_in_the_order_of_the_functions():
    def first():
        time.sleep(0.01)
        return 1

    assert run_together(first, lambda: 2) == [1, 2]


def test_the_functions_run_at_the_same_time():
    barrier = threading.Barrier(3)
    run_together(*[lambda: barrier.wait(30)] * 3)


def test_what_a_function_raises_is_raised_in_the_caller():
    def fail():
        message = "no"
        raise ValueError(message)

    with pytest.raises(ValueError, match=r"^no$"):
        run_together(fail, lambda: None)


def test_an_interrupt_goes_before_an_error_which_it_mentions():
    def fail():
        message = "no"
        raise ValueError(message)

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run_together(fail, interrupt)
    assert caught.value.__notes__ == ["another thread raised ValueError: no"]


@pytest.mark.parametrize(
    ("counts", "found"),
    [([3, 1, 3], [1, 3]), (iter((2,)), [2]), (np.array([4, 2]), [2, 4])],
)
def test_counts_are_had_of_any_ints(counts: Any, found: list[int]) -> None:
    """In their order, each once; as text, too."""
    assert check_counts("f() n", counts) == found
    assert parse_counts(", ".join(map(str, found[::-1]))) == found


def test_a_size_may_be_nothing() -> None:
    assert check_counts("f() n", [0], SIZE_LIMITS) == [0]
    with pytest.raises(ValueError, match="expected at least 0, got -1"):
        check_counts("f() n", [-1], SIZE_LIMITS)


@pytest.mark.parametrize(
    ("counts", "error", "words"),
    [
        (2, TypeError, "f() n: expected several ints, got 2"),
        ("2", TypeError, "f() n: expected several ints, got '2'"),
        ([1.0], TypeError, "f() n: expected several ints, got [1.0]"),
        ([], ValueError, "f() n: expected 1 to 256, got none"),
        ([0, 2], ValueError, "f() n: expected 1 to 256, got 0"),
        ([2, 257], ValueError, "f() n: expected 1 to 256, got 257"),
    ],
)
def test_what_is_no_count_is_refused(
    counts: Any, error: type[Exception], words: str
) -> None:
    """Nobody starts ten thousand processes by a slip, here or at the command line."""
    with pytest.raises(error) as caught:
        check_counts("f() n", counts)
    assert str(caught.value) == words
    if error is ValueError and counts:
        with pytest.raises(argparse.ArgumentTypeError) as refused:
            parse_counts(",".join(map(str, counts)))
        assert words == f"f() n: {refused.value}"
