# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: boundscheck=False, wraparound=False
# cython: embedsignature=True, embedsignature.format=clinic, autotestdict=False
"""The contract in Cython: the backend "cython".

`with nogil` releases the GIL around the kernel.
"""

cimport cython
from cpython cimport bool
from cpython.exc cimport PyErr_CheckSignals
from cpython.list cimport PyList_SetItem
from cpython.ref cimport Py_INCREF
from cpython.time cimport PyTime_PerfCounterRaw
from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint64_t
from libc.stdlib cimport free, malloc
from posix.time cimport nanosleep, timespec

cdef extern from *:
    """
    #ifdef __clang__
    #define COMPILER "clang " __clang_version__
    #else
    #define COMPILER "gcc " __VERSION__
    #endif
    #ifdef __OPTIMIZE__
    #define PROFILE "release"
    #else
    #define PROFILE "debug"
    #endif
    """
    const char *COMPILER
    const char *PROFILE
    # These two are said by setup.py.
    const char *CYTHON_VERSION "GILSCOPE_CYTHON_VERSION"
    bint FREE_THREADED "GILSCOPE_FREE_THREADED"

ctypedef const int64_t *source_pointer

# --- 1 Bounds -----------------------------------------------------------------

VALUE_MIN = INT64_MIN
VALUE_MAX = INT64_MAX
cdef double SECONDS_MAX = 1e9


# --- 2 Read: list to int64 buffer, GIL held -----------------------------------

cdef int read_values(list items, int64_t *source) except -1:
    """Read the items as 64-bit integers; a note on an error names the item."""
    cdef Py_ssize_t index = 0
    try:
        for index in range(len(items)):
            # As an index: Cython would make an int64_t of a float, too.
            source[index] = <Py_ssize_t> items[index]
    except BaseException as error:
        error.add_note(f"double_list() values[{index}]")
        raise
    return 0


# --- 3 Kernel: no Python object, GIL released ---------------------------------

cdef bint double_values(
    const int64_t *source, int64_t *target, Py_ssize_t length, int64_t passes
) noexcept nogil:
    """Double source into target, passes times over; return whether every double fits.
    """
    # The compiler must read it anew for each pass, so it cannot merge two.
    cdef volatile source_pointer unknown_source = source
    cdef const int64_t *source_now
    cdef int64_t overflows = 0
    cdef int64_t item, doubled, _n_done
    cdef Py_ssize_t index
    for _n_done in range(passes):
        source_now = unknown_source
        for index in range(length):
            item = source_now[index]
            doubled = <int64_t> (<uint64_t> item + <uint64_t> item)
            target[index] = doubled
            # The sign bit is set where the double has another sign than the item.
            overflows |= doubled ^ item
    return overflows >= 0


cdef bint run_kernel(
    const int64_t *source, int64_t *target, Py_ssize_t length, int64_t passes,
    double released_sleep, int64_t *stamps, bint is_traced,
) noexcept nogil:
    """Run the kernel, and the sleep if every double fits, between two stamps."""
    stamps[0] = read_clock_ns(is_traced)
    cdef bint fits = double_values(source, target, length, passes)
    if fits:
        sleep(released_sleep)
    stamps[1] = read_clock_ns(is_traced)
    return fits


# --- 4 Write: int64 buffer to list, GIL held ----------------------------------

cdef list write_values(const int64_t *target, Py_ssize_t length):
    """Make a new list of ints."""
    cdef list doubled = [None] * length
    cdef Py_ssize_t index
    for index in range(length):
        doubled[index] = target[index]
    return doubled


# --- 5 The contract -----------------------------------------------------------

def double_list(
    values,
    result,
    Py_ssize_t index,
    *,
    Py_ssize_t passes=1,
    bool release_gil not None=True,
    double released_sleep=0.0,
    double held_sleep=0.0,
    trace=None,
):
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
    cdef bint is_traced = trace is not None
    cdef int64_t enter = read_clock_ns(is_traced)
    check_list("values", values)
    check_list("result", result)
    if is_traced:
        check_list("trace", trace)
    cdef Py_ssize_t position = find_position(index, len(<list> result))
    if passes < 1:
        raise ValueError(f"double_list() passes: expected at least 1, got {passes}")
    check_seconds("released_sleep", released_sleep)
    check_seconds("held_sleep", held_sleep)

    # An `__index__` or another thread may change the list, but not this copy of it.
    cdef list items = (<list> values)[:]
    cdef Py_ssize_t length = len(items)
    cdef int64_t[2] stamps
    cdef int64_t acquired
    cdef bint fits
    cdef int64_t *source = <int64_t *> malloc(2 * length * sizeof(int64_t))
    cdef int64_t *target = source + length
    if source is NULL:
        raise MemoryError
    try:
        read_values(items, source)

        # GIL released from here.
        if release_gil:
            with nogil:
                fits = run_kernel(
                    source, target, length, passes, released_sleep, stamps, is_traced
                )
        else:
            fits = run_kernel(
                source, target, length, passes, released_sleep, stamps, is_traced
            )
        # GIL held again from here.
        acquired = read_clock_ns(is_traced)

        if not fits:
            check_doubles(source, length)
        sleep(held_sleep)
        # Raises what a signal handler raises, such as KeyboardInterrupt.
        PyErr_CheckSignals()
        doubled = write_values(target, length)
    finally:
        free(source)
    entry = (enter, stamps[0], stamps[1], acquired, read_clock_ns(is_traced))
    store(<list> result, position, doubled, <list> trace, entry)


cdef int check_list(str name, value) except -1:
    """Refuse what is neither a list nor an instance of a subclass."""
    # An argument declared as a list would refuse subclasses too.
    if isinstance(value, list):
        return 0
    raise TypeError(f"double_list() {name}: expected list, got {type(value).__name__}")


cdef Py_ssize_t find_position(Py_ssize_t index, Py_ssize_t length) except -1:
    """Return the position from the start that index stands for."""
    cdef Py_ssize_t position = index + length if index < 0 else index
    if 0 <= position < length:
        return position
    raise IndexError(
        f"double_list() index: {index} lies outside a result of length {length}"
    )


cdef int check_seconds(str name, double seconds) except -1:
    """Refuse a sleep that is negative, too long or not a number."""
    if 0 <= seconds <= SECONDS_MAX:
        return 0
    raise ValueError(
        f"double_list() {name}: expected 0 to 1e9 seconds, got {seconds!r}"
    )


cdef int check_doubles(const int64_t *source, Py_ssize_t length) except -1:
    """Refuse the first item whose double does not fit in 64 bits."""
    cdef Py_ssize_t index
    for index in range(length):
        if not INT64_MIN // 2 <= source[index] <= INT64_MAX // 2:
            error = OverflowError(f"double of {source[index]} does not fit in 64 bits")
            error.add_note(f"double_list() values[{index}]")
            raise error
    return 0


cdef int store(
    list result, Py_ssize_t position, list doubled, list trace, tuple entry
) except -1:
    """Store the answer and append the trace, or leave both as they were."""
    with cython.critical_section(result):
        find_position(position, len(result))
        # Held on to until the end, so that its finalizer finds everything done.
        replaced = result[position]
        set_item(result, position, doubled)
    if trace is None:
        return 0
    try:
        trace.append(entry)
    except MemoryError:
        set_item(result, position, replaced)
        raise
    return 0


cdef int set_item(list result, Py_ssize_t position, item) except -1:
    """Store the item past the __setitem__ of a subclass."""
    Py_INCREF(item)  # PyList_SetItem() takes over a reference.
    return PyList_SetItem(result, position, item)


cdef int64_t read_clock_ns(bint is_wanted) noexcept nogil:
    """Return the time of time.perf_counter_ns() where somebody wants to know it."""
    return PyTime_PerfCounterRaw() if is_wanted else 0


cdef void sleep(double seconds) noexcept nogil:
    """Let the seconds pass, asleep; a signal does not shorten it."""
    cdef timespec rest
    rest.tv_sec = <int64_t> seconds
    rest.tv_nsec = <int64_t> ((seconds - rest.tv_sec) * 1e9)
    if seconds > 0:
        while nanosleep(&rest, &rest) < 0:
            pass


# --- 6 Build facts ------------------------------------------------------------

def build_info():
    """Return how this backend was built.

    Returns:
        profile, compiler, version and free_threaded, as in every backend.
    """
    return {
        "profile": PROFILE.decode(),
        "compiler": COMPILER.decode(),
        "version": CYTHON_VERSION.decode(),
        "free_threaded": FREE_THREADED,
    }
