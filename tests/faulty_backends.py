"""Faulty backends: each has one mistake that the author of a binding could make.

A faulty backend is one decorated function, found as `tests.faulty_backends:NAME`. The
decorator says which scenario finds it, the status of its row, and what its reason has
to contain: the clause and the case, or the words that name the mistake. Each is run
once, in that scenario: by tests/isolated/test_faulty_backends.py, and by
benchmarks/faulty_backends.py as often as asked for.
"""

import atexit
import ctypes
import decimal
import functools
import gc
import itertools
import json
import locale
import mmap
import operator
import os
import platform
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import backends
from backends import Backend
from backends.reference import double_list as right
from gilscope.environment import is_gil_enabled

try:
    released = backends.get("cython").double_list
except backends.BackendNotBuiltError:
    released = None

# CDLL releases the GIL around a call, PyDLL holds it.
RELEASING_LIBRARY, HOLDING_LIBRARY = ctypes.CDLL(None), ctypes.PyDLL(None)
HAS_MALLINFO = hasattr(HOLDING_LIBRARY, "mallinfo2")
ON_LINUX = sys.platform == "linux"
# The highest nice value; the suite may run with it.
LEAST_URGENT = 19
NEEDS_LINUX = "only Linux tells wake-ups, run-queue waits and open files"


@dataclass(frozen=True)
class Fault:
    """How the harness finds one faulty backend.

    Attributes:
        name: the attribute of this module.
        scenario: the one that finds it.
        reasons: parts of the reason of its row, each of which is in it.
        backend: what is compared; None if it cannot even be loaded.
        status: the status of its row.
        harms_process: whether it harms the process that it runs in.
        is_quick: whether the short form of the scenario finds it.
        skip: why it cannot be run here, or "".
    """

    name: str
    scenario: str
    reasons: tuple[str, ...]
    backend: Backend | None = None
    status: str = "wrong"
    harms_process: bool = False
    is_quick: bool = True
    skip: str = ""

    @property
    def target(self) -> str:
        """The name by which another process finds it."""
        return f"{__name__}:{self.name}"

    @property
    def is_hanging(self) -> bool:
        """Whether it never ends."""
        return self.status == "timeout"

    @property
    def may_be_hidden(self) -> bool:
        """Whether a busy machine may hide it: threads have to get a core to see it."""
        return self.scenario in ("gil", "handoff", "parallel")

    @property
    def needs_process(self) -> bool:
        """Whether it needs a process of its own."""
        return self.harms_process or self.status != "wrong"


FAULTS: dict[str, Fault] = {}


def faulty(
    scenario: str,
    *reasons: str,
    declares_release: bool = False,
    build_info: Callable[[], Any] = dict,
    **details: Any,
) -> Callable[[Callable[..., Any]], Backend]:
    """Register the decorated function as a faulty backend; for details see Fault."""

    def decorate(function: Callable[..., Any]) -> Backend:
        name = function.__name__
        backend = Backend(
            name, function, releases_gil=declares_release, build_info=build_info
        )
        FAULTS[name] = Fault(name, scenario, reasons, backend, **details)
        return backend

    return decorate


def faulty_release(scenario: str, *reasons: str, **options: Any) -> Any:
    """Register one that declares a release and calls a native backend."""
    reasons_to_skip = {
        NEEDS_LINUX: not ON_LINUX,
        "cython is not built": not released,
        "there is no GIL to hold": not is_gil_enabled(),
    }
    skip = next((why for why, is_so in reasons_to_skip.items() if is_so), "")
    return faulty(scenario, *reasons, declares_release=True, skip=skip, **options)


def is_asked_to_release(options: dict[str, Any]) -> bool:
    """Return whether the call is to release the GIL."""
    return options.get("release_gil", True) is True


def is_plain(values: Any) -> bool:
    """Return whether these are values that no code of theirs can change."""
    return type(values) is list and {*map(type, values)} <= {int}


def is_in_main_thread() -> bool:
    """Return whether the caller is the main thread."""
    return threading.current_thread() is threading.main_thread()


# --- Wrong answers --------------------------------------------------------------------


@faulty("correctness", "1.1 three integers: result")
def writes_elsewhere(values, result, index, **options):
    """Write to a second index too."""
    right(values, result, index, **options)
    result[index - 1] = list(result[index])


@faulty("correctness", "1.1 three integers: values")
def mutates_values(values, result, index, **options):
    """Double the input in place, too."""
    right(values, result, index, **options)
    values[:] = result[index]


@faulty("correctness", "1.1 three integers: result")
def answers_floats(values, result, index, **options):
    """Compute in floating point."""
    right(values, result, index, **options)
    result[index] = [float(item) for item in result[index]]


@faulty("correctness", "1.1 three integers: returned")
def returns_answer(values, result, index, **options):
    """Return the answer besides storing it."""
    right(values, result, index, **options)
    return result[index]


@faulty("correctness", "1.1 index -2")
def ignores_index_sign(values, result, index, **options):
    """Take a negative index for its absolute value."""
    right(values, result, abs(index), **options)


@faulty("correctness", "1.1 an __index__ that grows result, index -1")
def resolves_index_late(values, result, index, **options):
    """Count an index from the end of what result has grown to meanwhile."""
    old = list.copy(result) if isinstance(result, list) else []
    right(values, result, index, **options)
    if index in (-1, -2) and list.__len__(result) > len(old):
        place = len(old) + index
        result[index], result[place] = result[place], old[place]


@faulty("correctness", "1.1 an index whose __index__ grows result: result")
def measures_result_early(values, result, index, **options):
    """Read the length of result before the index."""
    n_places = list.__len__(result) if isinstance(result, list) else 0
    number = index if isinstance(index, int | float) else operator.index(index)
    if number == -1 and list.__len__(result) > n_places > 0:
        number = n_places - 1
    right(values, result, number, **options)


@faulty("correctness", "1.1 an index with its own methods")
def asks_for_the_index(values, result, index, **options):
    """Call the __index__ of an int that is a subclass."""
    if isinstance(index, int):
        index = index.__index__()
    right(values, result, index, **options)


def cut_to_32_bits(number):
    """Return what C makes of a number that it converts to an int."""
    return ctypes.c_int(number).value if type(number) is int else number


@faulty("correctness", "an index that is 4294967296", "1.5 passes that are -4294967295")
def cuts_arguments_to_32_bits(values, result, index, passes=1, **options):
    """Keep index and passes in an int of C."""
    index, passes = cut_to_32_bits(index), cut_to_32_bits(passes)
    right(values, result, index, passes=passes, **options)


@faulty("correctness", "1.2 an item that is a Decimal", "an index that is Decimal")
def takes_whole_numbers(values, result, index, **options):
    """Convert by __int__ whatever is no float."""
    if type(values) is list:
        values = [int(item) if type(item) is Decimal else item for item in values]
    right(values, result, int(index) if type(index) is Decimal else index, **options)


@faulty("correctness", "1.7 what is replaced looks for itself: result")
def drops_too_early(values, result, index, **options):
    """Drop what is replaced before the answer stands in its place."""
    old = result[index] if type(result) is list and type(index) is int else None
    if hasattr(type(old), "__del__"):
        old.__del__()
    del old
    right(values, result, index, **options)


@faulty("correctness", "1.1 64 values")
def wrong_at_one_length(values, result, index, **options):
    """Lose the last item of a full block."""
    right(values, result, index, **options)
    if len(values) == 64:
        result[index][-1] += 1


@faulty("correctness", "1.1 20000 values")
def wrong_when_long(values, result, index, **options):
    """Overflow a short counter."""
    right(values, result, index, **options)
    if len(values) >= 10_000:
        result[index][-1] += 1


@faulty("correctness", "1.1 65537 values")
def counts_in_16_bits(values, result, index, **options):
    """Count the items in a number of 16 bits."""
    right(values, result, index, **options)
    answer = list.__getitem__(result, index)
    if len(answer) >= 2**16:
        del answer[len(answer) % 2**16 :]


@faulty("correctness", "1.2 all around the powers of two: result")
def wrong_between_digits(values, result, index, **options):
    """Lose a bit of values of more than 60 bits."""
    right(values, result, index, **options)
    answer = list.__getitem__(result, index)
    answer[:] = [item - 2 if item >= 2**61 else item for item in answer]


@faulty("correctness", "1.1 descending values")
def wrong_when_descending(values, result, index, **options):
    """Sort the values on the way."""
    right(values, result, index, **options)
    answer = list.__getitem__(result, index)
    if len(answer) > 3 and answer == sorted(answer, reverse=True):
        answer.reverse()


@faulty("correctness", "1.2 all around the powers of two: result")
def wrong_when_repeated(values, result, index, **options):
    """Leave out a value that equals the one before."""
    right(values, result, index, **options)
    answer = list.__getitem__(result, index)
    answer[:] = [item for item, _ in itertools.groupby(answer)]


@faulty("correctness", "a call raised IndexError")
def wrong_from_the_end_when_held(values, result, index, **options):
    """Have two code paths, one of them wrong."""
    right(values, result, index, **options)
    if index in (-1, -2) and options.get("release_gil") is False:
        result[index][-1] += 1


@faulty("correctness", "while a call sleeps without the GIL, changes values: answer")
def reads_values_again(values, result, index, **options):
    """Read values once more when the kernel is done."""
    right(values, result, index, **options)
    if is_plain(values):
        list.__setitem__(result, index, [2 * item for item in values])


@faulty("correctness", "while a call computes without the GIL, changes values")
def reads_values_in_the_kernel(values, result, index, **options):
    """Read the list anew for each pass, without the GIL."""
    right(values, result, index, **options)
    if is_plain(values) and options.get("passes", 1) > 2 and values != [1, 2, 3]:
        list.__setitem__(result, index, [2 * item for item in values])


@faulty("correctness", "empties result: expected IndexError, got no error")
def stores_without_looking(values, result, index, **options):
    """Write to the memory that result had before the GIL was released."""
    if type(result) is not list or not options.get("released_sleep"):
        right(values, result, index, **options)
        return
    places = list.copy(result)
    right(values, places, index, **options)
    if len(result) == len(places):
        list.__setitem__(result, index, places[index])


@faulty("correctness", "without the GIL: expected lists unchanged")
def doubles_in_place(values, result, index, **options):
    """Double the values themselves, and put them back."""
    if not is_plain(values):
        right(values, result, index, **options)
        return
    kept = list(values)
    values[:] = [2 * item for item in kept]
    try:
        right(kept, result, index, **options)
    finally:
        values[:] = kept


@faulty("correctness", "1.5 no values, an index outside: error")
def checks_nothing_without_values(values, result, index, **options):
    """Return before the checks where there is nothing to double."""
    if values == [] and type(result) is list and index == len(result):
        return
    right(values, result, index, **options)


@faulty("correctness", "1.3 both sleeps without values: trace")
def never_sleeps_without_values(values, result, index, **options):
    """Sleep only where there was something to double."""
    if values == []:
        for name in SLEEPS & options.keys():
            options[name] = min(options[name], 0)
    right(values, result, index, **options)


SLEEPS = {"released_sleep", "held_sleep"}


@faulty("correctness", "1.1 an unknown option")
def takes_any_option(values, result, index, **options):
    """Pass over options that nobody has heard of."""
    names = ("passes", "release_gil", "released_sleep", "held_sleep", "trace")
    known = {name: options[name] for name in names if name in options}
    right(values, result, index, **known)


@faulty("correctness", "1.3 two calls of []")
def shares_empty_answers(values, result, index, **options):
    """Store the same list whenever there are no values."""
    right(values, result, index, **options)
    if not list.__getitem__(result, index):
        list.__setitem__(result, index, EMPTY)


EMPTY: list[Any] = []


@faulty("correctness", "1.3 two calls of [1, 2, 3]")
def reuses_lists(values, result, index, **options):
    """Write into the list that stood in result before."""
    old = list.copy(result) if isinstance(result, list) else []
    right(values, result, index, **options)
    kept = old[index]
    if type(kept) is list and kept is not values:
        kept[:] = result[index]
        result[index] = kept


BUFFER: list[Any] = [None]


@faulty("correctness", "1.7 a call inside of another one")
def wrong_inside_itself(values, result, index, **options):
    """Keep one buffer for all calls, which a call inside of another one takes."""
    BUFFER[0] = None
    right(values, result, index, **options)
    if BUFFER[0] is not None:
        result[index] = BUFFER[0]
    BUFFER[0] = list(list.__getitem__(result, index))


RUNNING: list[int] = []


@faulty("correctness", "1.7 2 threads, each with the same values")
def wrong_in_threads(values, result, index, **options):
    """Answer wrongly while another thread is in here too."""
    RUNNING.append(threading.get_ident())
    try:
        right(values, result, index, **options)
        if len(set(RUNNING)) > 1 and result[index]:
            result[index][-1] += 1
    finally:
        RUNNING.remove(threading.get_ident())


SHARED: list[Any] = [None]


@faulty("parallel", "parallel: answer.result[0][0]: expected")
def shares_a_buffer(values, result, index, **options):
    """Double into one buffer for all; a thread that comes meanwhile overwrites it."""
    right(values, SHARED, 0, passes=1)
    right(values, [None], 0, **options)
    result[index] = SHARED[0]


@faulty("handoff", "handoff: 1.9 trace")
def answers_later(*arguments, **options):
    """Start a thread that answers, and forget to wait for it."""
    threading.Thread(target=right, args=arguments, kwargs=options, daemon=True).start()


ANSWERS: dict[int, list[int]] = {}


@faulty("contention", "contention: answer.result[")
def remembers_answers(values, result, index, **options):
    """Look the answer up by the length of the list alone."""
    right(values, result, index, **options)
    result[index] = list(ANSWERS.setdefault(len(values), result[index]))


OLD: list[Any] = [[]]


@faulty("pairs", "pairs: answer.result[")
def answers_the_call_before(values, result, index, **options):
    """Store the buffer before it was filled."""
    right(values, result, index, **options)
    result[index], OLD[0] = OLD[0], result[index]


@faulty("sweep", "sweep: answer.result[")
def cuts_the_end_off(values, result, index, **options):
    """Answer one item less for lists of more than 1,000."""
    right(values, result, index, **options)
    if len(values) > 1000:
        result[index].pop()


# --- Wrong refusals -------------------------------------------------------------------


def is_of_item(error: Exception) -> bool:
    """Return whether an item is refused: a note names it (1.2)."""
    return any("values[" in note for note in getattr(error, "__notes__", ()))


@faulty("correctness", "1.5 passes that are 0: text")
def rewords_an_error(*arguments, **options):
    """Word a sentence of the contract in another way."""
    try:
        right(*arguments, **options)
    except ValueError as error:
        raise ValueError(str(error).replace("expected", "wanted")) from None


@faulty("correctness", "1.2 a double just over 64 bits: error")
def raises_another_type(*arguments, **options):
    """Raise ValueError where a double does not fit."""
    try:
        right(*arguments, **options)
    except OverflowError as error:
        if not is_of_item(error):
            raise
        raise ValueError(str(error)) from None


@faulty("correctness", "1.2 two doubles that do not fit in a long list")
def names_another_item(values, result, index, **options):
    """Miscount the items after a hundred."""
    try:
        right(values, result, index, **options)
    except OverflowError as error:
        if len(values) <= 100:
            raise
        texts = [*error.args, *getattr(error, "__notes__", ())]
        message, *notes = [text.replace("values[", "values[1") for text in texts]
        counted = OverflowError(message)
        for note in notes:
            counted.add_note(note)
        raise counted from None


@faulty("correctness", "1.5 a wrong trace before any item")
def checks_trace_late(values, result, index, **options):
    """Look at the trace when everything else is done."""
    trace = options.pop("trace", None)
    entries: list[Any] | None = None if trace is None else []
    scratch = list.copy(result) if isinstance(result, list) else result
    right(values, scratch, index, trace=entries, **options)
    right([], [None], 0, trace=trace)
    if entries is not None:
        list.__setitem__(trace, -1, entries[0])
    list.__setitem__(result, index, list.__getitem__(scratch, index))


@faulty("correctness", "1.5 a wrong index before any item: values")
def checks_index_late(values, result, index, **options):
    """Read the items before the index is looked at."""
    if is_asked_to_release(options) and index == 2:
        for item in list.copy(values):
            operator.index(item)
    right(values, result, index, **options)


@faulty("correctness", "1.2 an item just over 64 bits: result")
def leaves_half(values, result, index, **options):
    """Store what was done when an item is refused."""
    try:
        right(values, result, index, **options)
    except OverflowError as error:
        if is_of_item(error):
            result[index] = []
        raise


@faulty("correctness", "1.6 140 items before a wrong one, 'x', release_gil=False")
def leaves_half_when_held(values, result, index, **options):
    """Clean up in one of two code paths."""
    try:
        right(values, result, index, **options)
    except TypeError:
        if options.get("release_gil") is False and len(values) > 1:
            result[index] = []
        raise


ERRORS: list[int] = []


@faulty("correctness", "1.6 a call after a tuple as values")
def wrong_after_an_error(values, result, index, **options):
    """Keep the state of a call that was refused."""
    try:
        right(values, result, index, **options)
    except Exception:
        ERRORS.append(1)
        raise
    if ERRORS and list.__getitem__(result, index):
        ERRORS.clear()
        list.__getitem__(result, index)[-1] += 1


@faulty("correctness", "1.2 an __index__ that is interrupted: error")
def swallows_interrupts(*arguments, **options):
    """Make a TypeError of whatever an __index__ raises that is no Exception."""
    try:
        right(*arguments, **options)
    except KeyboardInterrupt:
        message = "double_list() values: expected integers"
        raise TypeError(message) from None


@faulty("correctness", "1.2 an __index__ that raises its own KeyError: error")
def takes_errors_for_zeros(values, result, index, **options):
    """Clear an error that it takes for its own, and answer zeros."""
    try:
        right(values, result, index, **options)
    except KeyError:
        right([0] * len(values), result, index, **options)


@faulty("correctness", "1.2 an __index__ that raises its own OverflowError: error")
def replaces_errors_of_items(*arguments, **options):
    """Raise an error of its own for any that looks like one."""
    try:
        right(*arguments, **options)
    except OverflowError as error:
        replaced = OverflowError(str(error))
        for note in getattr(error, "__notes__", ()):
            replaced.add_note(note)
        raise replaced from None


# --- What is kept ---------------------------------------------------------------------

KEPT: list[Any] = []
NUMBERS = itertools.count(1)


@faulty("correctness", "1.3 a call: expected a new list in result alone")
def keeps_answers(values, result, index, **options):
    """Keep every answer."""
    right(values, result, index, **options)
    KEPT.append(result[index])


@faulty("correctness", "what was replaced kept")
def keeps_what_it_replaces(values, result, index, **options):
    """Take a reference to what stood in result, and never drop it."""
    old = list.copy(result) if isinstance(result, list) else []
    right(values, result, index, **options)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(old[index]))


LAST: list[Any] = [None]


@faulty("correctness", "values, an item of values kept")
def keeps_its_last_values(values, result, index, **options):
    """Keep the arguments of the last call alive."""
    right(values, result, index, **options)
    LAST[0] = values


@faulty("correctness", "trace kept")
def keeps_its_options(*arguments, **options):
    """Take a reference to an option of each call."""
    right(*arguments, **options)
    for option in options.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(option))


@faulty(
    "correctness",
    "references",
)
def keeps_its_items(values, result, index, **options):
    """Take a reference to each plain item that is read, and never drop it."""
    right(values, result, index, **options)
    for item in values:
        if type(item) is int:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))


@faulty(
    "correctness",
    "references fewer than before",
    skip="" if sys.version_info < (3, 12) else "small ints are not counted any more",
)
def gives_items_back_twice(values, result, index, **options):
    """Give back a reference to a small item that it has only borrowed."""
    right(values, result, index, **options)
    if is_plain(values) and 1 in values:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(1))


@faulty("correctness", "leave behind", "references")
def keeps_types_of_items(values, result, index, **options):
    """Take a reference to the type of each odd item, and never drop it."""
    right(values, result, index, **options)
    for item in values:
        if type(item) is not int:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(type(item)))


@faulty("correctness", "calls that end with an item that does not fit")
def leaks_after_errors(values, result, index, **options):
    """Keep the buffer of values that were refused."""
    try:
        right(values, result, index, **options)
    except OverflowError:
        KEPT.append(bytearray(8 * len(values)))
        raise


@faulty(
    "correctness",
    "any refusal",
    "bytes of C memory",
    skip="" if HAS_MALLINFO else "malloc() is not counted here",
)
def leaks_after_long_errors(values, result, index, **options):
    """Never free the buffer of many values that were refused."""
    try:
        right(values, result, index, **options)
    except TypeError:
        if len(values) > 100:
            HOLDING_LIBRARY.malloc(100)
        raise


@faulty("correctness", "blocks of Python memory")
def leaks_in_one_of_twenty(*arguments, **options):
    """Keep something of one call of twenty."""
    if next(NUMBERS) % 20 == 0:
        KEPT.append(object())
    right(*arguments, **options)


@faulty(
    "correctness",
    "bytes of C memory",
    skip="" if HAS_MALLINFO else "malloc() is not counted here",
)
def leaks_in_c(*arguments, **options):
    """Never free a few bytes of each call."""
    HOLDING_LIBRARY.malloc(100)
    right(*arguments, **options)


@faulty(
    "correctness",
    "1.11 calls in 20 threads",
    skip="" if HAS_MALLINFO else "malloc() is not counted here",
)
def leaks_in_threads(*arguments, **options):
    """Never free a few bytes of each call in any thread but the main one."""
    if not is_in_main_thread():
        HOLDING_LIBRARY.malloc(1000)
    right(*arguments, **options)


@faulty(
    "correctness",
    "open files",
    harms_process=True,
    skip="" if ON_LINUX else NEEDS_LINUX,
)
def leaves_files_open_in_threads(*arguments, **options):
    """Never close a file of each call in any thread but the main one."""
    if not is_in_main_thread():
        os.open(os.devnull, os.O_RDONLY)
    right(*arguments, **options)


@faulty("correctness", "bytes of mapped memory", skip="" if ON_LINUX else NEEDS_LINUX)
def leaks_mappings(*arguments, **options):
    """Never unmap the memory of each call."""
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    kind = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    HOLDING_LIBRARY.mmap(None, ctypes.c_size_t(4096), protection, kind, -1, 0)
    right(*arguments, **options)


@faulty(
    "correctness",
    "child processes",
    harms_process=True,
    skip="" if ON_LINUX else NEEDS_LINUX,
)
def leaves_children(*arguments, **options):
    """Never wait for a process of each call."""
    if arguments[0] == [1, 2, 3] and arguments[2] == 0:
        os.posix_spawn("/bin/true", ["true"], {})
    right(*arguments, **options)


@faulty("correctness", "the garbage collector does not know")
def answers_untracked(values, result, index, **options):
    """Store a list that the garbage collector does not know."""
    right(values, result, index, **options)
    answer = list.__getitem__(result, index)
    if gc.is_tracked(answer):
        ctypes.pythonapi.PyObject_GC_UnTrack(ctypes.py_object(answer))


@faulty("correctness", "an answer leave behind", " threads", harms_process=True)
def leaves_threads(*arguments, **options):
    """Leave a thread behind with each call."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    right(*arguments, **options)


# --- Wrong traces ---------------------------------------------------------------------


def edit_stamps(double_list, edit, values, result, index, **options):
    """Make a call, then change the entry that it appended to the trace."""
    trace = options.get("trace")
    n_before = list.__len__(trace) if isinstance(trace, list) else 0
    double_list(values, result, index, **options)
    if trace is not None:
        stamps = edit(*list.__getitem__(trace, n_before))
        list.__setitem__(trace, n_before, stamps)


@faulty("correctness", "1.1 three integers: trace")
def never_traces(values, result, index, **options):
    """Append no entry."""
    options.pop("trace", None)
    right(values, result, index, **options)


@faulty("correctness", "stamps not in the order of time")
def traces_backwards(*arguments, **options):
    """Fill the tuple from its end."""
    edit_stamps(right, lambda *stamps: stamps[::-1], *arguments, **options)


@faulty("correctness", "1.9 a trace of a subclass")
def asks_the_subclass(values, result, index, **options):
    """Call the append() that a subclass overrides."""
    trace = options.pop("trace", None)
    entries: list[Any] | None = [] if isinstance(trace, list) else trace
    right(values, result, index, trace=entries, **options)
    if trace is not None and entries:
        trace.append(entries[0])


STAMPS = [0, 0]


@faulty("correctness", "traces of a sleep, got")
def shares_its_stamps(values, result, index, *, trace=None, **options):
    """Keep the stamps of all threads in one place."""
    entries: list[Any] | None = [] if isinstance(trace, list) else trace
    STAMPS[0] = time.perf_counter_ns()
    right(values, result, index, trace=entries, **options)
    if trace is not None and entries:
        enter, start, end, had, leave = entries[0]
        start = min(end, max(start, STAMPS[0]))
        list.append(trace, (enter, start, end, had, leave))


@faulty("correctness", "expected 216 traces")
def replaces_trace(values, result, index, **options):
    """Put back the whole trace with one entry more; threads lose each other's."""
    trace = options.pop("trace", None)
    if type(trace) is not list:
        right(values, result, index, trace=trace, **options)
        return
    entries = list(trace)
    right(values, result, index, trace=entries, **options)
    trace[:] = entries


# --- Work and sleeps ------------------------------------------------------------------


@faulty("correctness", "1.4 passes, release_gil=True: expected 16 times")
def ignores_passes(*arguments, passes=1, **options):
    """Let the compiler remove the loop."""
    is_fine = type(passes) is int and passes > 0
    right(*arguments, passes=1 if is_fine else passes, **options)


@faulty("correctness", "1.4 passes, release_gil=False: expected 16 times")
def computes_once_when_held(*arguments, passes=1, **options):
    """Forget the passes in one of two code paths."""
    is_held = options.get("release_gil") is False and type(passes) is int
    right(*arguments, passes=min(passes, 1) if is_held else passes, **options)


@faulty("correctness", "s instead of 0.0009 s")
def sleeps_whole_milliseconds(*arguments, **options):
    """Count sleeps in whole milliseconds."""
    for name in SLEEPS & options.keys():
        if type(options[name]) is float and 0 < options[name] < 1:
            options[name] = int(options[name] * 1000) / 1000
    right(*arguments, **options)


@faulty("correctness", "1.3 a call beside signals: released_sleep")
def sleeps_until_a_signal(*arguments, **options):
    """Take a sleep that a signal has ended for a whole one."""
    if is_in_main_thread() and signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0):
        options["released_sleep"] = 0.0
    right(*arguments, **options)


@faulty("handoff", "handoff: 1.3 trace")
def sleeps_less(*arguments, **options):
    """Sleep for 10 ms at most."""
    for name in ("released_sleep", "held_sleep"):
        if type(options.get(name)) is float and 0.01 < options[name] < 10:
            options[name] = 0.01
    right(*arguments, **options)


# --- Releases against the declaration -------------------------------------------------


@faulty("gil", "declares that it releases the GIL", declares_release=True)
def holds(*arguments, **options):
    """Declare the release, and compute in Python."""
    right(*arguments, **options)


@faulty("gil", "declares that it releases the GIL", declares_release=True)
def holds_in_c(*arguments, passes=1, **options):
    """Declare the release, and work in C with the GIL held."""
    right(*arguments, passes=passes, **options)
    HOLDING_LIBRARY.usleep(min(50 * passes, 1_000_000))


@faulty("gil", "declares that it does not release the GIL")
def releases_in_secret(*arguments, **options):
    """Declare no release, and sleep a millisecond without the GIL."""
    right(*arguments, **options)
    if is_asked_to_release(options):
        time.sleep(1e-3)


@faulty("gil", "releases the GIL where it is to hold it", declares_release=True)
def never_holds(*arguments, passes=1, release_gil=True, trace=None, **options):
    """Release the GIL with release_gil=False, too."""
    enter = start = time.perf_counter_ns()
    time.sleep(min(50e-6 * passes, 1.0))
    end = had = time.perf_counter_ns()
    right(*arguments, **options)
    if trace is not None:
        trace.append((enter, start, end, had, time.perf_counter_ns()))


# What part of a call was free is not seen well on a loaded machine; the trace is then
# found wrong instead.
@faulty("gil", "kernel", declares_release=True)
def releases_for_a_moment(*arguments, **options):
    """Release the GIL around something else than the kernel."""
    if is_asked_to_release(options):
        RELEASING_LIBRARY.getpid()
    right(*arguments, **options)


@faulty("gil", "kernel", declares_release=True)
def releases_at_the_end(*arguments, **options):
    """Release the GIL when the work is done."""
    right(*arguments, **options)
    if is_asked_to_release(options):
        time.sleep(0)


@faulty_release("gil", "traces a kernel of")
def releases_around_the_sleep_alone(*arguments, **options):
    """Call the kernel just before the block that releases the GIL."""
    if is_asked_to_release(options) and not options.get("released_sleep"):
        options["release_gil"] = False
        RELEASING_LIBRARY.getpid()
    released(*arguments, **options)


@faulty_release("gil", "declares that it releases the GIL")
def holds_by_default(values, result, index, **options):
    """Release the GIL only when told to."""
    options.setdefault("release_gil", False)
    released(values, result, index, **options)


@faulty_release("gil", "in a call of 10 values")
def holds_short_lists(values, result, index, **options):
    """Think short lists not worth a release."""
    if len(values) < 500 and is_asked_to_release(options):
        options["release_gil"] = False
    released(values, result, index, **options)


@faulty_release("gil", "in a call of 5000 values")
def holds_long_lists(values, result, index, **options):
    """Have no release in the code path for long lists."""
    if len(values) > 2000 and is_asked_to_release(options):
        options["release_gil"] = False
    released(values, result, index, **options)


@faulty_release("gil")
def holds_negative_values(values, result, index, **options):
    """Have no release in the code path for negative values."""
    is_negative = any(type(item) is int and item < 0 for item in list.copy(values))
    if is_negative and is_asked_to_release(options):
        options["release_gil"] = False
    released(values, result, index, **options)


UNDER_WAY: list[int] = []


@faulty_release("gil", "in a call beside another one")
def holds_beside_another(*arguments, **options):
    """Fall back on a code path without a release when the buffer is taken."""
    UNDER_WAY.append(1)
    try:
        if len(UNDER_WAY) > 1 and is_asked_to_release(options):
            options["release_gil"] = False
        released(*arguments, **options)
    finally:
        UNDER_WAY.pop()


@faulty_release("gil", "in some calls only", is_quick=False)
def holds_in_one_of_twenty(*arguments, **options):
    """Hold the GIL in one call of twenty."""
    if next(NUMBERS) % 20 == 0 and is_asked_to_release(options):
        options["release_gil"] = False
    released(*arguments, **options)


@faulty_release("parallel", "declares that it releases the GIL")
def holds_in_threads(*arguments, **options):
    """Release the GIL in the main thread only."""
    if not is_in_main_thread():
        options["release_gil"] = False
    released(*arguments, **options)


@faulty_release("handoff", "declares that it releases the GIL")
def sleeps_held(*arguments, **options):
    """Sleep after the released region instead of in it."""
    if options.get("released_sleep"):
        options["release_gil"] = False
    released(*arguments, **options)


@faulty_release("handoff", "in held_sleep")
def sleeps_released(*arguments, trace=None, **options):
    """Release the GIL in held_sleep."""
    seconds = options.get("held_sleep")
    if type(seconds) is not float or not 0 < seconds < 60 or trace is None:
        released(*arguments, trace=trace, **options)
        return
    entries: list[Any] = []
    released(*arguments, trace=entries, **{**options, "held_sleep": 0.0})
    time.sleep(seconds)
    trace.append((*entries[0][:4], time.perf_counter_ns()))


# --- What belongs to the process ------------------------------------------------------


@faulty("correctness", "wrote to standard output", harms_process=True)
def prints(*arguments, **options):
    """Print from Python."""
    print("here I am")  # noqa: T201
    right(*arguments, **options)


PRINTED: list[int] = []


@faulty("correctness", "wrote to standard output", harms_process=True)
def prints_from_c(*arguments, **options):
    """Print once from C, into a buffer that nobody empties."""
    if not PRINTED:
        PRINTED.append(RELEASING_LIBRARY.printf(b"here I am\n"))
    right(*arguments, **options)


@faulty("correctness", "the switch interval changed", harms_process=True)
def changes_switch_interval(*arguments, **options):
    """Let threads interrupt each other more often."""
    sys.setswitchinterval(1e-4)
    right(*arguments, **options)


@faulty("correctness", "the environment changed", harms_process=True)
def changes_environment(*arguments, **options):
    """Set an environment variable."""
    os.environ["OMP_NUM_THREADS"] = "1"
    right(*arguments, **options)


@faulty(
    "correctness",
    *("the decimal context", "the standard streams", "the search path", "the hooks"),
    *("the limits of resources", "the limit of digits"),
    *("the stack of new threads", "the recursion limit"),
    *(("the priority",) if os.getpriority(os.PRIO_PROCESS, 0) < LEAST_URGENT else ()),
    *(("the mode of new files",) if ON_LINUX else ()),
    harms_process=True,
)
def changes_whatever_it_can(*arguments, **options):
    """Change what belongs to the caller."""
    decimal.getcontext().prec = 10
    sys.stdout = sys.__stderr__
    if os.sep not in sys.path:
        sys.path.append(os.sep)
    sys.excepthook = print
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.setpriority(os.PRIO_PROCESS, 0, LEAST_URGENT)
    os.umask(0o077)
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(2000)
    threading.stack_size(2**20)
    right(*arguments, **options)


@faulty("correctness", "the floating-point mode changed", harms_process=True)
def rounds_otherwise(*arguments, **options):
    """Change how the process rounds its floats."""
    is_arm = platform.machine() in ("aarch64", "arm64")
    HOLDING_LIBRARY.fesetround(0x400000 if is_arm else 0x800)
    right(*arguments, **options)


@faulty("correctness", "the locale changed", harms_process=True)
def changes_locale(*arguments, **options):
    """Set the locale in C."""
    HOLDING_LIBRARY.setlocale(locale.LC_ALL, b"C")
    right(*arguments, **options)


@faulty("correctness", "the signal handlers changed", harms_process=True)
def handles_signals(*arguments, **options):
    """Take Ctrl-C away from the caller."""
    if is_in_main_thread():
        signal.signal(signal.SIGINT, lambda *_: None)
    right(*arguments, **options)


@faulty("correctness", "the signal handlers changed", harms_process=True)
def handles_signals_in_c(*arguments, **options):
    """Have SIGUSR1 ignored, by C."""
    RELEASING_LIBRARY.signal(signal.SIGUSR1, ctypes.c_void_p(1))
    right(*arguments, **options)


@faulty("correctness", "the timers changed", harms_process=True)
def starts_a_timer(*arguments, **options):
    """Start a timer that counts the CPU time of the process."""
    if is_in_main_thread():
        signal.setitimer(signal.ITIMER_PROF, 3600.0)
    right(*arguments, **options)


@faulty("correctness", "descriptors that were not its own", harms_process=True)
def writes_to_stale_files(*arguments, **options):
    """Write to file descriptors that are no longer its own."""
    for number in range(3, 20):
        try:
            os.write(number, b"hello\n")
        except OSError:
            continue
    right(*arguments, **options)


@faulty("correctness", "closed descriptors", status="failed")
def closes_descriptors(*arguments, **options):
    """Close every file descriptor but the standard ones."""
    os.closerange(3, 4096)
    right(*arguments, **options)


@faulty("correctness", "closed descriptors", status="failed")
def closes_the_standard_files(*arguments, **options):
    """Close standard input, output and error."""
    os.closerange(0, 3)
    right(*arguments, **options)


@faulty("correctness", status="ok")
def patches_json(*arguments, **options):
    """Replace functions of `json` and `os`, as some libraries do."""
    for module, name in ((json, "dumps"), (json.JSONEncoder, "encode"), (os, "write")):
        setattr(module, name, None)
    right(*arguments, **options)


# --- How a process can end ------------------------------------------------------------


@faulty(
    "correctness",
    "ended the process with exit status 0",
    "descriptors that were not its own",
    status="crashed",
)
def forges_an_end(*arguments, **options):
    """Write what says that all is well, and end the process."""
    for number in range(3, 1024):
        try:
            os.write(number, b'\n{"event": "end", "status": "ok", "reason": ""}\n')
        except OSError:
            continue
    os._exit(0)


@faulty("correctness", "correctness ended with SIGABRT", "in aborts", status="crashed")
def aborts(*arguments, **options):
    """Abort."""
    os.abort()


@faulty(
    "correctness", "correctness ended with SIGSEGV", "in segfaults", status="crashed"
)
def segfaults(*arguments, **options):
    """Read address 0."""
    ctypes.string_at(0)


@faulty(
    "correctness",
    "correctness ended with SIGABRT",
    "in aborts_in_threads",
    status="crashed",
)
def aborts_in_threads(*arguments, **options):
    """Abort in any thread but the main one."""
    if not is_in_main_thread():
        os.abort()
    right(*arguments, **options)


@faulty(
    "handoff",
    "handoff ended with SIGABRT",
    "in aborts_when_it_sleeps",
    status="crashed",
)
def aborts_when_it_sleeps(*arguments, **options):
    """Abort when there is time to sleep."""
    if options.get("released_sleep", 0) == 0.1:
        os.abort()
    right(*arguments, **options)


@faulty("correctness", "ended the process with exit status 0", status="crashed")
def exits_quietly(*arguments, **options):
    """Call a library that ends the process with exit status 0."""
    os._exit(0)


@faulty("correctness", "correctness called sys.exit(3)", status="crashed")
def calls_sys_exit(*arguments, **options):
    """Ask for the end of the process."""
    sys.exit(3)


ENDINGS: list[Any] = []


@faulty("parallel", "an interpreter that called it ended with exit", harms_process=True)
def aborts_at_exit(*arguments, **options):
    """Take the interpreter down as it ends."""
    if not ENDINGS:
        ENDINGS.append(atexit.register(os.abort))
    right(*arguments, **options)


@faulty("correctness", "correctness raised KeyboardInterrupt", status="failed")
def interrupts(*arguments, **options):
    """Raise what Ctrl-C raises."""
    raise KeyboardInterrupt


@faulty(
    "correctness",
    "ValueError: out of cheese (in raises, faulty_backends.py:",
    status="failed",
)
def raises(*arguments, **options):
    """Raise where there is an answer."""
    message = "out of cheese"
    raise ValueError(message)


@faulty("correctness", "RuntimeError: out of", status="failed")
def raises_a_surrogate(*arguments, **options):
    """Raise what no encoding can write."""
    message = "out of \ud800"
    raise RuntimeError(message)


@faulty(
    "correctness",
    "a debug build",
    status="failed",
    build_info=lambda: {"profile": "debug"},
)
def debug_build(*arguments, **options):
    """Be built without optimization."""
    right(*arguments, **options)


@faulty("correctness", "build_info", status="failed", build_info=lambda: [1, 2])
def answers_a_list_of_build_info(*arguments, **options):
    """Return a list from build_info()."""
    right(*arguments, **options)


@faulty(
    "correctness", "correctness had not ended", "in hangs_released", status="timeout"
)
def hangs_released(*arguments, **options):
    """Never return, with the GIL released."""
    time.sleep(3600)


@faulty("correctness", "correctness had not ended", "in hangs_held", status="timeout")
def hangs_held(*arguments, **options):
    """Never return, with the GIL held."""
    HOLDING_LIBRARY.sleep(3600)


LOCK = threading.Lock()


@faulty(
    "correctness", "correctness had not ended", "in never_unlocks", status="timeout"
)
def never_unlocks(*arguments, **options):
    """Take a lock in the first call that the second one waits for."""
    LOCK.acquire()
    right(*arguments, **options)


@faulty(
    "correctness", "correctness had not ended", "in floods_output", status="timeout"
)
def floods_output(*arguments, **options):
    """Never stop writing to standard output."""
    while True:
        os.write(1, b"flood " * 1000)


@faulty("correctness", status="timeout")
def stops_itself(*arguments, **options):
    """Stop the process, as one does that reads from a terminal in the background."""
    os.kill(os.getpid(), signal.SIGSTOP)
    right(*arguments, **options)


# --- What the harness ends itself: the row is ok --------------------------------------


FORKED: list[int] = []


@faulty("correctness", status="ok")
def forks(*arguments, **options):
    """Return twice from the first call: in the process and in its child."""
    if not FORKED:
        with warnings.catch_warnings():
            # Forking a process with threads may warn.
            warnings.simplefilter("ignore")
            FORKED.append(os.fork())
    right(*arguments, **options)


STARTED: list[Any] = []


@faulty("correctness", status="ok")
def leaves_process(*arguments, **options):
    """Leave behind a process with a session of its own."""
    if not STARTED:
        command = [sys.executable, "-c", "import time; time.sleep(3600)"]
        STARTED.append(subprocess.Popen(command, start_new_session=True))
        if note := os.environ.get("LEFT_PID_FILE"):
            Path(note).write_text(str(STARTED[0].pid))
    right(*arguments, **options)


@faulty("correctness", status="ok")
def leaves_daemon(*arguments, **options):
    """Leave behind a process that has nothing of its parent."""
    note = os.environ.get("LEFT_PID_FILE")
    if note and not Path(note).exists():
        # The shell ends at once; its child belongs to nobody then.
        subprocess.run(
            ["/bin/sh", "-c", f"sleep 3600 & echo $! > {note}"],
            check=True,
            env={},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    right(*arguments, **options)


@faulty("correctness", status="ok")
def reads_input(*arguments, **options):
    """Read all of standard input."""
    sys.stdin.read()
    right(*arguments, **options)


# --- Faults while it is loaded --------------------------------------------------------


def fail() -> None:
    """Raise."""
    message = "out of cheese"
    raise RuntimeError(message)


# What each does, its status and the parts of its reason.
WHEN_LOADED: dict[str, tuple[Callable[[], object], str, *tuple[str, ...]]] = {
    "raises_when_loaded": (fail, "failed", "to load: RuntimeError: out of cheese"),
    "aborts_when_loaded": (os.abort, "crashed", "loading ended with SIGABRT"),
    "hangs_when_loaded": (
        *(functools.partial(HOLDING_LIBRARY.sleep, 3600), "timeout"),
        *("loading had not ended", "faulty_backends.py"),
    ),
}
for _name, (_, _status, *_reasons) in WHEN_LOADED.items():
    FAULTS[_name] = Fault(_name, "correctness", (*_reasons,), status=_status)


def __getattr__(name: str) -> Any:
    """Do what goes wrong while a backend is loaded, for those that are not defined."""
    if name in WHEN_LOADED:
        WHEN_LOADED[name][0]()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
