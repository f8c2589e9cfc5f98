"""The laws that no table of calls can show, each a function of the backend's own one.

A law returns what is wrong in one sentence, or None.
"""

from collections.abc import Callable
from functools import partial

from backends import DoubleList
from compare.double_list.laws.answers import (
    check_after_errors,
    check_combinations,
    check_inner_call,
    check_lengths,
    check_long_list,
    check_new_list,
    check_refused_combinations,
    check_signature,
    check_stamps,
)
from compare.double_list.laws.leftovers import (
    check_allocations,
    check_leftovers,
    check_memory,
    check_references,
    check_small_leaks,
)
from compare.double_list.laws.threads import (
    check_changing_values,
    check_meanwhile,
    check_threads,
)

LAWS: tuple[Callable[[DoubleList], str | None], ...] = (
    check_new_list,
    check_signature,
    check_lengths,
    check_combinations,
    check_refused_combinations,
    check_after_errors,
    check_inner_call,
    check_stamps,
    check_references,
    check_leftovers,
    check_allocations,
    check_memory,
    partial(check_threads, 2, is_same_list=True),
    partial(check_threads, 2, is_same_list=False),
    partial(check_threads, 4, is_same_list=False),
    check_changing_values,
    check_meanwhile,
)

# Those that the short form has no time for.
LONG_LAWS: tuple[Callable[[DoubleList], str | None], ...] = (
    check_long_list,
    check_small_leaks,
)
