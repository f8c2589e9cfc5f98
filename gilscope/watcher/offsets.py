"""Where an interpreter has its GIL, frames and code objects.

CPython 3.13 and newer publish most of it in `_Py_DebugOffsets`, whose own layout is
fixed for a minor version; TABLE has the rest. The numbers come from `offsetof()` with
the headers of 3.11.7, 3.12.1, 3.13.0, 3.14.7 and 3.15.0rc1, on 64-bit Linux. An
interpreter that TABLE does not know is refused.
"""

import ctypes
import dataclasses
import os
import platform
import struct
import sys
import sysconfig
from dataclasses import dataclass


class WatchUnavailableError(RuntimeError):
    """The watcher cannot work here; the text says which condition is not met."""


@dataclass(frozen=True)
class Offsets:
    """Offsets in bytes, but for those that end in _address."""

    # PyThreadState
    native_thread_id: int = 0
    current_frame: int = 0
    # _PyInterpreterFrame
    executable: int = 0
    instruction: int = 0
    previous: int = 0
    owner: int = 0
    localsplus: int = 0
    # PyCodeObject
    filename: int = 0
    qualname: int = 0
    linetable: int = 0
    firstlineno: int = 0
    localsplusnames: int = 0
    code_adaptive: int = 0
    # PyUnicodeObject, where the characters begin; PyTupleObject; PyTypeObject
    ascii_size: int = 0
    compact_size: int = 0
    tuple_item: int = 0
    type_name: int = 0
    # PyInterpreterState, and `collecting` in its part `gc`
    gil: int = 0
    gc_collecting: int = 0
    # Bit 0 of it is the request to drop the GIL: in PyThreadState from 3.13 on, before
    # that in PyInterpreterState.
    request: int = 0
    # 3.11 and 3.12: the field of PyThreadState that leads to the current frame.
    cframe: int = -1
    # Filled in for one process.
    gil_address: int = 0
    interpreter_address: int = 0
    # What the watcher's own thread has yet to sleep, us: 0 = it wants the GIL.
    rest_address: int = 0


# The frame owners from here on are not Python code (3.12 and newer).
FIRST_FOREIGN_OWNER = 3
# In 3.11 the GIL is part of _PyRuntime, not of the interpreter.
_GIL_IN_RUNTIME = (3, 11)

# fmt: off
TABLE = {
    (3, 11): Offsets(
        native_thread_id=160, current_frame=8, cframe=56,
        executable=32, instruction=56, previous=48, owner=69, localsplus=72,
        filename=112, qualname=128, linetable=136, firstlineno=72,
        localsplusnames=96, code_adaptive=184,
        ascii_size=48, compact_size=72, tuple_item=24, type_name=24,
        gil=360, gc_collecting=848, request=104,
    ),
    (3, 12): Offsets(
        native_thread_id=144, current_frame=0, cframe=56,
        executable=0, instruction=56, previous=8, owner=70, localsplus=72,
        filename=112, qualname=128, linetable=136, firstlineno=68,
        localsplusnames=96, code_adaptive=192,
        ascii_size=40, compact_size=56, tuple_item=24, type_name=24,
        gil=384, gc_collecting=312, request=372,
    ),
    # The rest is published.
    (3, 13): Offsets(compact_size=56, request=24),
    (3, 14): Offsets(compact_size=56),
    (3, 15): Offsets(compact_size=56),
}

# Which 64-bit word of _Py_DebugOffsets has a field; gc and collecting are added up.
_PUBLISHED = (
    "gil", "gc", "collecting", "current_frame", "native_thread_id",
    "previous", "executable", "instruction", "localsplus", "owner", "filename",
    "qualname", "linetable", "firstlineno", "localsplusnames", "code_adaptive",
    "type_name", "tuple_item", "ascii_size", "request",
)
_WORDS = {
    (3, 13): (14, 10, 72, 23, 25, 29, 30, 31, 32, 33, 35, 37, 38, 39, 41, 43, 47,
              51, 70),  # It does not publish the request.
    (3, 14): (15, 11, 82, 26, 28, 32, 33, 34, 35, 36, 40, 42, 43, 44, 46, 48, 53,
              57, 80, 89),
    (3, 15): (15, 11, 95, 26, 31, 40, 41, 42, 43, 44, 48, 50, 51, 52, 54, 56, 61,
              69, 92, 105),
}
# fmt: on
_COOKIE = b"xdebugpy"


def check_supported() -> None:
    """Refuse a system, a build or a version that the watcher cannot read, by name."""
    version = platform.python_version()
    if not sys.platform.startswith("linux"):
        reason = f"needs Linux: {sys.platform} lets no child read its parent's memory"
    elif sys.implementation.name != "cpython":
        reason = f"needs CPython, got {sys.implementation.name} {version}"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        reason = f"needs a build with the GIL, got a free-threaded CPython {version}"
    elif sys.maxsize < 2**32 or sys.byteorder != "little":
        reason = f"needs a 64-bit little-endian machine, got {platform.machine()}"
    elif hasattr(sys, "gettotalrefcount"):
        reason = f"needs a release build, got a debug build of CPython {version}"
    elif sys.version_info[:2] not in TABLE:
        known = ", ".join(f"{major}.{minor}" for major, minor in TABLE)
        reason = f"knows CPython {known}, got {version}"
    elif not os.path.exists("/proc/self/schedstat"):  # noqa: PTH110 - starts light
        reason = "needs /proc/PID/schedstat, which this system does not have"
    else:
        return
    message = f"the watcher {reason}"
    raise WatchUnavailableError(message)


def read_offsets() -> Offsets:
    """Return where this process keeps what the sampler reads."""
    minor = sys.version_info[:2]
    offsets = TABLE[minor]
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    if minor in _WORDS:
        offsets = dataclasses.replace(offsets, **read_published(runtime, minor))
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p)
    interpreter = prototype(("PyInterpreterState_Get", ctypes.pythonapi))()
    gil = runtime + offsets.gil
    if minor != _GIL_IN_RUNTIME:
        gil = ctypes.c_uint64.from_address(interpreter + offsets.gil).value
    return dataclasses.replace(
        offsets, gil_address=gil, interpreter_address=interpreter
    )


def read_published(runtime: int, minor: tuple[int, int]) -> dict[str, int]:
    """Return what `_Py_DebugOffsets` at the start of _PyRuntime says."""
    words = _WORDS[minor]
    content = ctypes.string_at(runtime, 8 * (max(words) + 1))
    numbers = struct.unpack(f"<{len(content) // 8}Q", content)
    if content[:8] != _COOKIE or numbers[1] != sys.hexversion:
        message = (
            f"the watcher expected _Py_DebugOffsets of {sys.hexversion:#x}, got "
            f"{content[:8]!r} of {numbers[1]:#x}"
        )
        raise WatchUnavailableError(message)
    found = {name: numbers[word] for name, word in zip(_PUBLISHED, words, strict=False)}
    found["gc_collecting"] = found.pop("gc") + found.pop("collecting")
    return found
