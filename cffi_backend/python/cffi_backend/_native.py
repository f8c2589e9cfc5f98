"""The contract in C through cffi: the Python half of the backend "cffi".

cffi releases the GIL around every call by itself. Where the contract wants it held,
the same C function is called by its address through ctypes.PYFUNCTYPE, which never
gives it away.
"""

import ctypes
import functools
import math
import operator
import struct
import sysconfig
import time
from collections.abc import Callable
from typing import Any, Literal

import cffi

from cffi_backend._double_list import ffi, lib

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = -(2**63)
VALUE_MAX = 2**63 - 1
SECONDS_MAX = 1e9
# What struct calls an int64: CPython reads a long faster than a long long.
INT64: Literal["l", "q"] = "l" if struct.calcsize("l") == struct.calcsize("q") else "q"
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------


def read_values(values: list[Any]) -> Any:
    """Take a snapshot of the list as 64-bit integers."""
    # With a GIL no other thread comes in while a C function reads a list of ints. The
    # copy also goes round the overridden methods of a subclass.
    is_read_at_once = type(values) is list and not FREE_THREADED
    listed = values if is_read_at_once else list.copy(values)
    try:
        # pack() takes more than the contract does, so it is shown nothing but ints. It
        # reads a list two to three times as fast as ffi.new() does.
        numbers = [*map(int.conjugate, listed)]
        packed = find_packer(len(numbers))(*numbers)
    except (TypeError, struct.error):
        # No `__index__` was called yet, and none can reach this copy.
        return read_objects(list.copy(listed))
    return ffi.from_buffer(INT64_ARRAY, packed)


# struct.pack() itself would copy the items once more.
@functools.lru_cache(maxsize=64)
def find_packer(length: int) -> Callable[..., bytes]:
    """Return what packs that many integers, and fails where one has over 64 bits."""
    return struct.Struct(f"{length}{INT64}").pack


def read_objects(snapshot: list[Any]) -> Any:
    """Read any list that no other code can reach, calling __index__ once an item."""
    source = new_buffer(INT64_ARRAY, len(snapshot))
    for index, item in enumerate(snapshot):
        if not has_method(type(item), "__index__"):
            check_doubles(source, index)
            raise wrong_type(f"values[{index}]", "int", item)
        number = int.__index__(operator.index(item))
        if not VALUE_MIN <= number <= VALUE_MAX:
            check_doubles(source, index)
            message = (
                f"double_list() values[{index}]: "
                f"{describe_int(number)} does not fit in 64 bits"
            )
            raise OverflowError(message)
        source[index] = number
    return source


def check_doubles(source: Any, length: int) -> None:
    """Refuse the first item whose double does not fit in 64 bits."""
    for index in range(length):
        if not VALUE_MIN <= 2 * source[index] <= VALUE_MAX:
            message = (
                f"double_list() values[{index}]: "
                f"double of {source[index]} does not fit in 64 bits"
            )
            raise OverflowError(message)


# --- 3 Kernel: no Python object, GIL released ---------------------------------

double_values = lib.double_values
run_kernel = lib.run_kernel


INT64_ARRAY = ffi.typeof("int64_t[]")
# It is not filled beforehand, so that the system hands out the pages of a large buffer
# where they are first written to, those of the doubles with the GIL released.
new_buffer = ffi.new_allocator(should_clear_after_alloc=False)


def find_address(cdata: Any) -> int:
    """Return the address of what cffi points to, for ctypes."""
    return int(ffi.cast("intptr_t", cdata))


# The same functions, called with the GIL held.
_call_kernel_held = ctypes.PYFUNCTYPE(
    ctypes.c_int64,
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64),
    *(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p),
)(find_address(ffi.addressof(lib, "run_kernel")))
sleep_ns_held = ctypes.PYFUNCTYPE(None, ctypes.c_int64)(
    find_address(ffi.addressof(lib, "sleep_ns"))
)


def run_kernel_held(  # noqa: PLR0917 (the arguments are those of run_kernel)
    source: Any, target: Any, length: int, passes: int, released_ns: int, stamps: Any
) -> int:
    """Do what run_kernel does, with the GIL held."""
    addresses = find_address(source), find_address(target)
    first_overflow: int = _call_kernel_held(
        *addresses, length, passes, released_ns, find_address(stamps)
    )
    return first_overflow


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------


def write_values(target: Any, length: int) -> list[int]:
    """Make a new list of ints."""
    # A third faster than ffi.unpack(); a view of nothing cannot be cast.
    return memoryview(ffi.buffer(target)).cast(INT64).tolist() if length else []


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
        The GIL is released from kernel_start to kernel_end.

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
    length = len(source)
    target = new_buffer(INT64_ARRAY, length)
    stamps = ffi.NULL if trace is None else ffi.new("int64_t[2]")

    # GIL released from here.
    run = run_kernel if is_released else run_kernel_held
    first_overflow = run(source, target, length, n_passes, released_ns, stamps)
    # GIL held again from here.
    acquired = read_clock_ns()

    if first_overflow < length:
        check_doubles(source, length)
    if held_ns:
        sleep_ns_held(held_ns)
    doubled = write_values(target, length)
    store_result(result, position, doubled, trace, (enter, stamps, acquired))


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


def store_result(
    result: list[Any],
    position: int,
    doubled: list[int],
    trace: list[Any] | None,
    stamps: tuple[int, Any, int],
) -> None:
    """Store the answer and append the trace, or leave both as they were."""
    entry: tuple[int, ...] = ()
    if trace is not None:
        # Made before anything is stored, as this is what may fail.
        enter, kernel_stamps, acquired = stamps
        entry = (enter, *kernel_stamps, acquired, time.perf_counter_ns())
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
        "profile": ffi.string(lib.get_profile()).decode(),
        "compiler": ffi.string(lib.get_compiler()).decode(),
        "version": cffi.__version__,
        "free_threaded": FREE_THREADED,
    }
