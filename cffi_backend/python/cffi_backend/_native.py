"""The contract in C through cffi: the Python half of the backend "cffi".

cffi releases the GIL around every call by itself. Where the contract wants it held,
the same C function is called by its address through ctypes.PYFUNCTYPE, which never
releases it.
"""

import ctypes
import math
import operator
import struct
import sysconfig
import time
from array import array
from typing import Any, Literal

import cffi

from cffi_backend._double_list import ffi, lib

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = -(2**63)
VALUE_MAX = 2**63 - 1
SECONDS_MAX = 1e9
# The code of an int64: CPython reads a long faster than a long long.
INT64: Literal["l", "q"] = "l" if struct.calcsize("l") == struct.calcsize("q") else "q"


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------


def read_values(values: list[Any]) -> Any:
    """Read the list as 64-bit integers; a note on an error names the item."""
    # An `__index__` or another thread may change the list, but not this copy of it.
    items = list.copy(values)
    try:
        # Refuses all but ints before any `__index__` is called. pack() reads them two
        # to three times as fast as ffi.new() does.
        numbers = [*map(int.conjugate, items)]
        packed = struct.Struct(f"{len(numbers)}{INT64}").pack(*numbers)
        return ffi.from_buffer(INT64_ARRAY, packed)
    except (TypeError, struct.error):
        pass
    return read_objects(items)


def read_objects(items: list[Any]) -> Any:
    """Read items of any type, one after the other."""
    source = array(INT64)
    try:
        source.extend(map(operator.index, items))
    except BaseException as error:
        # A signal may also come when all is read.
        if len(source) < len(items):
            error.add_note(f"double_list() values[{len(source)}]")
        raise
    return ffi.from_buffer(INT64_ARRAY, source)


# --- 3 Kernel: no Python object, GIL released ---------------------------------

double_values = lib.double_values

INT64_ARRAY = ffi.typeof("int64_t[]")
# Left as it comes, so that the kernel is the first to touch the memory of the doubles.
new_buffer = ffi.new_allocator(should_clear_after_alloc=False)


def find_address(cdata: Any) -> int:
    """Return the address of what cffi points to, for ctypes."""
    return int(ffi.cast("intptr_t", cdata))


# The same C functions, called with the GIL held.
_run_kernel_held = ctypes.PYFUNCTYPE(
    ctypes.c_bool,
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64),
    *(ctypes.c_int64, ctypes.c_double, ctypes.c_void_p),
)(find_address(ffi.addressof(lib, "run_kernel")))
sleep_held = ctypes.PYFUNCTYPE(None, ctypes.c_double)(
    find_address(ffi.addressof(lib, "sleep_seconds"))
)


def run_kernel_held(  # noqa: PLR0917 (the arguments are those of run_kernel)
    source: Any, target: Any, length: int, passes: int, seconds: float, stamps: Any
) -> bool:
    """Do what lib.run_kernel() does, with the GIL held."""
    buffers = find_address(source), find_address(target)
    fits: bool = _run_kernel_held(
        *buffers, length, passes, seconds, find_address(stamps)
    )
    return fits


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------


def write_values(target: Any) -> list[int]:
    """Make a new list of ints."""
    # A third faster than ffi.unpack(); a view of nothing cannot be cast.
    return memoryview(ffi.buffer(target)).cast(INT64).tolist() if len(target) else []


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
        The GIL is released from kernel_start to kernel_end.

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
    length = len(source)
    target = new_buffer(INT64_ARRAY, length)
    stamps = ffi.NULL if trace is None else ffi.new("int64_t[2]")

    # GIL released from here.
    run_kernel = lib.run_kernel if release_gil else run_kernel_held
    fits = run_kernel(source, target, length, n_passes, released_s, stamps)
    # GIL held again from here.
    acquired = read_clock_ns()

    if not fits:
        check_doubles(source)
    if held_s:
        sleep_held(held_s)
    doubled = write_values(target)
    entry = () if trace is None else (enter, *stamps, acquired, read_clock_ns())
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
        "profile": ffi.string(lib.get_profile()).decode(),
        "compiler": ffi.string(lib.get_compiler()).decode(),
        "version": cffi.__version__,
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }
