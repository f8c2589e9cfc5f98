"""The contract in pure Python: the reference, and the backend "python".

Pure Python cannot release the GIL. Its kernel is a loop of bytecode that the
interpreter may interrupt, which lets other threads in between but never beside it.
"""

import math
import operator
import platform
import sysconfig
import time
from array import array
from typing import Any

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = -(2**63)
VALUE_MAX = 2**63 - 1
SECONDS_MAX = 1e9


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------


def read_values(values: list[Any]) -> list[int]:
    """Read the list as 64-bit integers; a note on an error names the item."""
    # An `__index__` or another thread may change the list, but not this copy of it.
    items = list.copy(values)
    try:
        # Refuses all but ints before any `__index__` is called.
        numbers = [*map(int.conjugate, items)]
        if fits_in_64_bits(numbers):
            return numbers
    except TypeError:
        pass
    return read_objects(items)


def read_objects(items: list[Any]) -> list[int]:
    """Read items of any type, one after the other."""
    numbers: list[int] = []
    for index, item in enumerate(items):
        try:
            numbers.append(read_int64(item))
        except BaseException as error:
            error.add_note(f"double_list() values[{index}]")
            raise
    return numbers


def fits_in_64_bits(numbers: list[int]) -> bool:
    """Return whether all of these do."""
    try:
        # Faster than min() and max().
        array("q", numbers)
    except OverflowError:
        return False
    return True


# --- 3 Kernel: no Python object in the native ones, GIL released there --------


def double_values(source: list[int], passes: int) -> tuple[list[int], bool]:
    """Return the doubles, made passes times over, and whether every one fits."""
    target: list[int] = []
    for _ in range(passes):
        target = [item + item for item in source]
    return target, fits_in_64_bits(target)


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------


def write_values(target: list[int]) -> list[int]:
    """Return the list that is stored; here the buffer is a list already."""
    return target


# --- 5 The contract -----------------------------------------------------------


def double_list(
    values: list[Any],
    result: list[Any],
    index: int,
    *,
    passes: int = 1,
    release_gil: bool = True,
    released_sleep: float = 0.0,
    held_sleep: float = 0.0,
    trace: list[Any] | None = None,
) -> None:
    """Store the doubled values as a new list at result[index].

    Args:
        values: n >= 0 integers of 64 bits, not changed.
        result: the list that is written to.
        index: a position in result; a negative one counts from the end.
        passes: how many times the kernel doubles all values, at least 1.
        release_gil: whether to release the GIL around the kernel.
        released_sleep: seconds to sleep after the kernel, in the same region.
        held_sleep: seconds to hold the GIL after it was re-acquired.
        trace: gets (enter, kernel_start, kernel_end, acquired, exit) appended,
            nanoseconds of time.perf_counter_ns().

    Raises:
        TypeError: an argument or an item has a wrong type.
        OverflowError: an item or its double does not fit in 64 bits.
        IndexError: index lies outside result, at the call or when storing.
        ValueError: passes or a sleep is out of range.

    Threads:
        The GIL is never released by the kernel, only by the sleep inside
        released_sleep; held_sleep computes instead of sleeping.

    Source:
        docs/reference/contract.md, clauses 1.1 to 1.11.
    """
    # The clock is read for a trace alone; int() is 0.
    read_clock_ns = int if trace is None else time.perf_counter_ns
    enter = read_clock_ns()
    check_list("values", values)
    check_list("result", result)
    if trace is not None:
        check_list("trace", trace)
    position = find_position(read_int64(index), list.__len__(result))
    n_passes = read_int64(passes)
    if n_passes < 1:
        message = f"double_list() passes: expected at least 1, got {n_passes}"
        raise ValueError(message)
    check_bool("release_gil", release_gil)
    released_s = read_seconds("released_sleep", released_sleep)
    held_s = read_seconds("held_sleep", held_sleep)

    source = read_values(values)

    # GIL released from here.
    kernel_start = read_clock_ns()
    target, fits = double_values(source, n_passes)
    if fits:
        sleep(released_s, is_released=release_gil)
    kernel_end = read_clock_ns()
    # GIL held again from here.
    acquired = read_clock_ns()

    if not fits:
        check_doubles(source)
    sleep(held_s, is_released=False)
    doubled = write_values(target)
    entry = (enter, kernel_start, kernel_end, acquired, read_clock_ns())
    store(result, position, doubled, trace, entry)


def check_list(name: str, value: object) -> None:
    """Refuse what is neither a list nor an instance of a subclass."""
    # isinstance() would believe an object that lies about its __class__.
    if not issubclass(type(value), list):
        message = f"double_list() {name}: expected list, got {type(value).__name__}"
        raise TypeError(message)


def check_bool(name: str, value: object) -> None:
    """Refuse what is neither True nor False."""
    if type(value) is not bool:
        message = f"double_list() {name}: expected bool, got {type(value).__name__}"
        raise TypeError(message)


def read_int64(value: Any) -> int:
    """Return the 64-bit integer that an int or an object with __index__ stands for."""
    number = operator.index(value)
    if not VALUE_MIN <= number <= VALUE_MAX:
        message = "int too large to convert to 64 bits"
        raise OverflowError(message)
    return number


def find_position(index: int, length: int) -> int:
    """Return the position from the start that index stands for."""
    position = index + length if index < 0 else index
    if not 0 <= position < length:
        raise outside(index, length)
    return position


def outside(index: int, length: int) -> IndexError:
    """Return the error of an index that lies outside result."""
    return IndexError(
        f"double_list() index: {index} lies outside a result of length {length}"
    )


def read_seconds(name: str, value: Any) -> float:
    """Return the seconds that a number stands for."""
    # Unlike float(), ldexp() reads a number only, never a string.
    seconds = math.ldexp(value, 0)
    if not 0 <= seconds <= SECONDS_MAX:
        message = f"double_list() {name}: expected 0 to 1e9 seconds, got {seconds!r}"
        raise ValueError(message)
    return seconds


def check_doubles(source: Any) -> None:
    """Refuse the first item whose double does not fit in 64 bits."""
    for index, item in enumerate(source):
        if not VALUE_MIN <= 2 * item <= VALUE_MAX:
            raise double_too_large(index, item)


def double_too_large(index: int, item: int) -> OverflowError:
    """Return the error of an item whose double does not fit in 64 bits."""
    error = OverflowError(f"double of {item} does not fit in 64 bits")
    error.add_note(f"double_list() values[{index}]")
    return error


def sleep(seconds: float, *, is_released: bool) -> None:
    """Let the seconds pass, asleep without the GIL or computing with it."""
    if is_released and seconds:
        time.sleep(seconds)
        return
    deadline = time.perf_counter() + seconds
    while seconds and time.perf_counter() < deadline:
        pass


def store(
    result: list[Any],
    position: int,
    doubled: list[int],
    trace: list[Any] | None,
    entry: tuple[int, ...],
) -> None:
    """Store the answer and append the trace, or leave both as they were."""
    try:
        # Held on to until the end, so that its finalizer finds everything done.
        replaced = list.__getitem__(result, position)
        list.__setitem__(result, position, doubled)
    except IndexError:
        raise outside(position, list.__len__(result)) from None
    if trace is not None:
        try:
            list.append(trace, entry)
        except MemoryError:
            list.__setitem__(result, position, replaced)
            raise


# --- 6 Build facts ------------------------------------------------------------


def build_info() -> dict[str, Any]:
    """Return how this backend was built.

    Returns:
        profile, compiler, version and free_threaded, as in every backend.
    """
    return {
        "profile": "interpreted",
        "compiler": platform.python_compiler(),
        "version": platform.python_version(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }
