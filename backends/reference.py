"""The contract in pure Python: the oracle, the baseline, the backend "python".

Pure Python cannot release the GIL. Its kernel is a loop of bytecode that the
interpreter may interrupt, which lets other threads in between but never beside it.
"""

import functools
import math
import operator
import platform
import struct
import sysconfig
import time
from collections.abc import Callable
from typing import Any

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = -(2**63)
VALUE_MAX = 2**63 - 1
SECONDS_MAX = 1e9
# What struct calls an int64: CPython reads a long faster than a long long.
INT64 = "l" if struct.calcsize("l") == struct.calcsize("q") else "q"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------


def read_values(values: list[Any]) -> list[int]:
    """Take a snapshot of the list as 64-bit integers.

    Raises:
        TypeError: an item is no integer; the message names the first.
        OverflowError: an item does not fit in 64 bits; the message names the first.
    """
    # With a GIL no other thread comes in while a C function reads a list of ints. The
    # copy also goes round the overridden methods of a subclass.
    is_read_at_once = type(values) is list and not FREE_THREADED
    listed = values if is_read_at_once else list.copy(values)
    try:
        # Of all ways to make sure that there are only ints this is the fastest one
        # that believes no type: a metaclass may say that its types equal int.
        return [*map(int.conjugate, listed)]
    except TypeError:
        # No `__index__` was called yet, and none can reach this copy (1.7).
        return read_objects(list.copy(listed))


def read_objects(snapshot: list[Any]) -> list[int]:
    """Read any list that no other code can reach, calling __index__ once an item."""
    buffer: list[int] = []
    for index, item in enumerate(snapshot):
        number = item
        if not issubclass(type(item), int):
            if not has_method(type(item), "__index__"):
                check_doubles(buffer)
                raise wrong_type(f"values[{index}]", "int", item)
            number = operator.index(item)
        buffer.append(int.__index__(number))
        if not VALUE_MIN <= buffer[index] <= VALUE_MAX:
            check_doubles(buffer)
    return buffer


def check_doubles(buffer: list[int]) -> None:
    """Refuse the first item that does not fit in 64 bits, or whose double does not."""
    for index, item in enumerate(buffer):
        if not VALUE_MIN <= item <= VALUE_MAX:
            message = (
                f"double_list() values[{index}]: "
                f"{describe_int(item)} does not fit in 64 bits"
            )
            raise OverflowError(message)
        if not VALUE_MIN <= 2 * item <= VALUE_MAX:
            message = (
                f"double_list() values[{index}]: "
                f"double of {item} does not fit in 64 bits"
            )
            raise OverflowError(message)


# --- 3 Kernel: no Python object in the native ones, GIL released there --------


def double_values(source: list[int], passes: int) -> tuple[list[int], int]:
    """Double source, passes times over, each time into a new list.

    Returns:
        The doubles, and the index of the first item whose double overflows, or the
        length.
    """
    target: list[int] = []
    for _ in range(passes):
        target = [item + item for item in source]
    try:
        # pack() reads the list once, and faster than min() and max() do.
        find_packer(len(target))(*target)
    except struct.error:
        return target, find_overflow(source)
    return target, len(source)


# struct.pack() itself would copy the items once more.
@functools.lru_cache(maxsize=64)
def find_packer(length: int) -> Callable[..., bytes]:
    """Return what packs that many integers, and fails where one has over 64 bits."""
    return struct.Struct(f"{length}{INT64}").pack


def find_overflow(source: list[int]) -> int:
    """Return the index of the first item whose double overflows, or the length."""
    for index, item in enumerate(source):
        if not VALUE_MIN <= 2 * item <= VALUE_MAX:
            return index
    return len(source)


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------


def write_values(target: list[int]) -> list[int]:
    """Make the list that is stored; here the buffer is a list already."""
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
        held_sleep: seconds to keep the GIL after it was taken back.
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
        docs/contract.md, clauses 1.1 to 1.10.
    """
    # The clock is read for a trace alone; int() is 0.
    read_clock_ns = int if trace is None else time.perf_counter_ns
    enter = read_clock_ns()
    check_list("values", values)
    check_list("result", result)
    position = take_position(result, index)
    n_passes = take_passes(passes)
    is_released = take_flag("release_gil", release_gil)
    released_ns = take_seconds("released_sleep", released_sleep)
    held_ns = take_seconds("held_sleep", held_sleep)
    if trace is not None:
        check_list("trace", trace)

    source = read_values(values)

    # GIL released from here.
    kernel_start = read_clock_ns()
    target, first_overflow = double_values(source, n_passes)
    if first_overflow == len(source):
        sleep_ns(released_ns, is_released=is_released)
    kernel_end = read_clock_ns()
    # GIL held again from here.
    acquired = read_clock_ns()

    if first_overflow < len(source):
        check_doubles(source)
    sleep_ns(held_ns, is_released=False)
    doubled = write_values(target)
    stamps = (enter, kernel_start, kernel_end, acquired)
    store_result(result, position, doubled, trace, stamps)


def wrong_type(where: str, expected: str, value: object) -> TypeError:
    """Return the error for a value of a wrong type."""
    return TypeError(
        f"double_list() {where}: expected {expected}, got {type(value).__name__}"
    )


def check_list(where: str, value: object) -> None:
    """Refuse what is neither a list nor an instance of a subclass."""
    # isinstance() would believe an object that lies about its __class__.
    if type(value) is not list and not issubclass(type(value), list):
        raise wrong_type(where, "list", value)


def has_method(kind: type, name: str) -> bool:
    """Return whether instances have that special method, as the interpreter looks."""
    # A list, because a generator that fails for want of memory is closed noisily.
    return any([name in vars(base) for base in kind.__mro__])  # noqa: C419


def take_int(where: str, value: object) -> int:
    """Return the exact int that an int or an object with __index__ stands for."""
    if type(value) is int:
        return value
    if not has_method(type(value), "__index__"):
        raise wrong_type(where, "int", value)
    return int.__index__(operator.index(value))  # type: ignore[arg-type]


def take_position(result: list[Any], index: object) -> int:
    """Return the position from the start that index stands for."""
    number = index if type(index) is int else take_int("index", index)
    length = list.__len__(result)
    position = number + length if number < 0 else number
    if not 0 <= position < length:
        message = (
            f"double_list() index: expected a position in a result of length {length}, "
            f"got {describe_int(number)}"
        )
        raise IndexError(message)
    return position


def take_passes(passes: object) -> int:
    """Return how many passes are asked for."""
    number = passes if type(passes) is int else take_int("passes", passes)
    if number < 1:
        message = (
            f"double_list() passes: expected at least 1, got {describe_int(number)}"
        )
        raise ValueError(message)
    if number > VALUE_MAX:
        message = (
            f"double_list() passes: {describe_int(number)} does not fit in 64 bits"
        )
        raise OverflowError(message)
    return number


def take_flag(where: str, value: object) -> bool:
    """Return the flag, which must be a bool."""
    if value is not True and value is not False:
        raise wrong_type(where, "bool", value)
    return value


def take_seconds(where: str, value: object) -> int:
    """Return a sleep in nanoseconds."""
    seconds = value if type(value) is float else read_seconds(where, value)
    if not 0 <= seconds <= SECONDS_MAX:
        message = f"double_list() {where}: expected 0 to 1e9 seconds, got {seconds!r}"
        raise ValueError(message)
    return int(seconds * 1e9) if seconds else 0


def read_seconds(where: str, value: object) -> float:
    """Return the seconds that any number stands for."""
    kind = type(value)
    if not (has_method(kind, "__float__") or has_method(kind, "__index__")):
        raise wrong_type(where, "float", value)
    try:
        # Unlike float(), ldexp() reads a number only, never a string.
        return math.ldexp(value, 0)  # type: ignore[arg-type]
    except OverflowError:
        # An int too large for a float is as good as infinite.
        return math.inf


def describe_int(number: int) -> str:
    """Return the digits of a number, or its size where they would fill a page."""
    if -(2**127) <= number < 2**127:
        return str(number)
    return f"int of {number.bit_length()} bits"


def sleep_ns(duration_ns: int, *, is_released: bool) -> None:
    """Let the duration pass, asleep without the GIL or computing with it."""
    if duration_ns == 0:
        return
    if is_released:
        time.sleep(duration_ns / 1e9)
        return
    deadline = time.perf_counter_ns() + duration_ns
    while time.perf_counter_ns() < deadline:
        pass


def store_result(
    result: list[Any],
    position: int,
    doubled: list[int],
    trace: list[Any] | None,
    stamps: tuple[int, int, int, int],
) -> None:
    """Store the answer and append the trace, or leave both as they were."""
    # Made before anything is stored, as this is what may fail.
    entry = () if trace is None else (*stamps, time.perf_counter_ns())
    try:
        # Held on to, so that no finalizer of it runs before all is done.
        replaced = list.__getitem__(result, position)
        list.__setitem__(result, position, doubled)
    except IndexError:
        message = (
            f"double_list() result: expected a length over {position}, "
            f"got {list.__len__(result)}"
        )
        raise IndexError(message) from None
    if trace is not None:
        try:
            list.append(trace, entry)
        except BaseException:
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
        "free_threaded": FREE_THREADED,
    }
