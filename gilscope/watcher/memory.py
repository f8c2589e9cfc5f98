"""Reads the memory of another process, and the Python objects in it."""

import ctypes
import dis
import os
import struct
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from gilscope.watcher.offsets import FIRST_FOREIGN_OWNER, Offsets

# How much of a stack and of the local variables is read, and of one string.
MAX_FRAMES = 50
MAX_LOCALS = 30
MAX_STRING = 4096
MAX_READ = 1 << 16

_GIL = struct.Struct("<QQi4xQ")
_POINTER = struct.Struct("<Q")
_INT = struct.Struct("<i")
# Frame and code pointers carry tags in their lowest bits from 3.13 on.
_UNTAG = ~3
# _ is the private half of a public list: 256 names, those of specialized opcodes too.
_OPCODE_NAMES: list[str] = getattr(dis, "_all_opname", dis.opname)
# Its positions are replaced by those of the code object that is read.
_TEMPLATE = (lambda: None).__code__

Position = tuple[int | None, int | None, int | None, int | None]


class Pieces:
    """Places in the memory of a process that are read together."""

    def __init__(self, *pieces: tuple[int, int]) -> None:
        """Take addresses with sizes."""
        numbers = [number for piece in pieces for number in piece]
        self._vector = (ctypes.c_uint64 * len(numbers))(*numbers)
        self.address = ctypes.addressof(self._vector)
        self.count = len(pieces)
        self.size = sum(numbers[1::2])


class ProcessMemory:
    """The memory of a process, by process_vm_readv(2)."""

    def __init__(self, pid: int) -> None:
        """Prepare to read; whether it is allowed, the first reading tells."""
        self._pid = pid
        self._buffer = ctypes.create_string_buffer(MAX_READ)
        self._view = memoryview(self._buffer).cast("B")
        # struct iovec: address, size.
        self._local = (ctypes.c_uint64 * 2)(ctypes.addressof(self._buffer), 0)
        self._remote = (ctypes.c_uint64 * 2)()
        self._local_address = ctypes.addressof(self._local)
        self._remote_address = ctypes.addressof(self._remote)
        call = ctypes.CDLL(None, use_errno=True).process_vm_readv
        number = ctypes.c_ulong
        call.argtypes = (
            *(ctypes.c_int, ctypes.c_void_p, number),
            *(ctypes.c_void_p, number, number),
        )
        call.restype = ctypes.c_ssize_t
        self._call = call

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes, at most 64 KiB."""
        self._remote[0] = address
        self._remote[1] = size = min(size, MAX_READ)
        return self._read(self._remote_address, 1, size)

    def read_pieces(self, pieces: Pieces) -> bytes:
        """Return what is at several places, one behind the other, by one call."""
        return self._read(pieces.address, pieces.count, pieces.size)

    def _read(self, pieces: int, count: int, size: int) -> bytes:
        self._local[1] = size
        read = self._call(self._pid, self._local_address, 1, pieces, count, 0)
        if read != size:
            number = ctypes.get_errno() if read < 0 else 14
            raise OSError(number, os.strerror(number))
        return bytes(self._view[:size])

    def read_pointer(self, address: int) -> int:
        """Return the 64-bit word at an address."""
        return int(_POINTER.unpack(self.read(address, 8))[0])


class State(NamedTuple):
    """Who holds the GIL at one moment, and at which instruction."""

    # These five together are the same only while one instruction is executed.
    holder: int
    switch_number: int
    frame: int
    code: int
    instruction: int
    # Whether another thread waits for the GIL (known of the watcher's own only), and
    # whether one has asked for it, after a switch interval of waiting.
    is_wanted: bool
    is_asked: bool
    interval_us: int
    native_thread_id: int

    def is_same_instruction(self, other: "State") -> bool:
        """Return whether nothing moved between the two."""
        return self[:5] == other[:5]


@dataclass(frozen=True)
class Place:
    """Where a thread stands, in words that JSON knows."""

    # (file, line, function), innermost first.
    stack: list[tuple[str, int, str]]
    position: Position
    opcode: str
    # Types of the local variables of the innermost frame, by name; of a function
    # written in C its own name and "()".
    types: dict[str, str] = field(default_factory=dict)
    is_collecting: bool = False


class Interpreter:
    """The interpreter of another process."""

    def __init__(self, memory: ProcessMemory, offsets: Offsets) -> None:
        """Note where everything is."""
        self.gil_address = offsets.gil_address
        self._memory = memory
        self._at = offsets
        self._request_in_thread = offsets.cframe < 0
        self._thread_size = 8 + max(
            offsets.native_thread_id,
            offsets.cframe,
            offsets.request if self._request_in_thread else 0,
            offsets.current_frame,
        )
        self._frame_size = offsets.localsplus
        request = offsets.interpreter_address + offsets.request
        self._fixed = Pieces(
            (offsets.gil_address, _GIL.size),
            (offsets.rest_address, _POINTER.size),
            *(() if self._request_in_thread else [(request, _INT.size)]),
        )

    def read_fixed(self) -> bytes:
        """Return what always is at the same place; OSError: it cannot be read."""
        return self._memory.read_pieces(self._fixed)

    def read_state(self) -> State | None:
        """Return who holds the GIL; None where nobody does."""
        at, read = self._at, self._memory.read
        fixed = self.read_fixed()
        interval, holder, locked, switches = _GIL.unpack_from(fixed)
        if locked <= 0 or not holder:
            return None
        thread = read(holder, self._thread_size)
        word = _POINTER.unpack_from
        if self._request_in_thread:
            asked = word(thread, at.request)[0] & 1
            frame = word(thread, at.current_frame)[0]
        else:
            asked = _INT.unpack_from(fixed, 40)[0] == 1
            cframe = word(thread, at.cframe)[0]
            frame = word(read(cframe + at.current_frame, 8), 0)[0]
        code = instruction = 0
        if frame:
            content = read(frame, self._frame_size)
            code = word(content, at.executable)[0] & _UNTAG
            instruction = word(content, at.instruction)[0]
        return State(
            holder,
            switches,
            frame,
            code,
            instruction,
            word(fixed, 32)[0] == 0,
            bool(asked),
            interval,
            word(thread, at.native_thread_id)[0],
        )

    def read_place(self, frame: int) -> Place | None:
        """Return where the thread of a frame stands; None without Python code."""
        at = self._at
        stack: list[tuple[str, int, str]] = []
        position: Position = (None, None, None, None)
        opcode, types = "", {}
        while frame and len(stack) < MAX_FRAMES:
            content = self._memory.read(frame, self._frame_size)
            code, instruction, previous = (
                _POINTER.unpack_from(content, offset)[0]
                for offset in (at.executable, at.instruction, at.previous)
            )
            if content[at.owner] < FIRST_FOREIGN_OWNER:
                code &= _UNTAG
                offset = max(instruction - code - at.code_adaptive, 0)
                found = self._read_position(code, offset)
                if not stack:
                    position = found
                    opcode = self._read_opcode(code, offset)
                    if "CALL" in opcode:
                        types = self._read_types(code, frame)
                name = self._read_string(code + at.filename)
                function = self._read_string(code + at.qualname)
                stack.append((name, found[0] or 0, function))
            frame = previous
        if not stack:
            return None
        collecting = self._memory.read(at.interpreter_address + at.gc_collecting, 4)
        return Place(stack, position, opcode, types, _INT.unpack(collecting)[0] == 1)

    def _read_position(self, code: int, offset: int) -> Position:
        """Return lines and columns of the instruction at an offset in its code."""
        at = self._at
        table = self._memory.read_pointer(code + at.linetable)
        # PyBytesObject: the size at 16, the bytes at 32.
        size = self._memory.read_pointer(table + 16)
        if size > MAX_READ or offset > 1 << 24:
            message = f"expected a line table, got {size} bytes for {offset}"
            raise ValueError(message)
        line = _INT.unpack(self._memory.read(code + at.firstlineno, 4))[0]
        index = offset // 2
        stand_in = _TEMPLATE.replace(
            co_code=bytes(2 * (index + 1)),
            co_linetable=self._memory.read(table + 32, size),
            co_firstlineno=line,
        )
        return next(islice(stand_in.co_positions(), index, None))

    def _read_opcode(self, code: int, offset: int) -> str:
        """Return the name of the instruction at an offset; "CACHE" is never one."""
        start = code + self._at.code_adaptive
        while True:
            number = self._memory.read(start + offset - offset % 2, 1)[0]
            if number or offset < 2:  # noqa: PLR2004 - bytes of an instruction
                return _OPCODE_NAMES[number]
            offset -= 2

    def _read_types(self, code: int, frame: int) -> dict[str, str]:
        """Return the type names of the local variables by their names."""
        at = self._at
        names = self._memory.read_pointer(code + at.localsplusnames)
        n_names = min(self._memory.read_pointer(names + 16), MAX_LOCALS)
        types = {}
        for index in range(n_names):
            name = self._read_string(names + at.tuple_item + 8 * index)
            value = self._memory.read_pointer(frame + at.localsplus + 8 * index)
            if value & _UNTAG and value & 3 != 3:  # noqa: PLR2004 - a tagged int
                # PyObject: the type at 8.
                kind = self._memory.read_pointer((value & _UNTAG) + 8)
                text = self._memory.read_pointer(kind + at.type_name)
                types[name] = self._read_text(text)
                if types[name] == "builtin_function_or_method":
                    # PyCFunctionObject: the PyMethodDef at 16, whose name at 0.
                    method = self._memory.read_pointer((value & _UNTAG) + 16)
                    text = self._memory.read_pointer(method)
                    types[name] = f"{self._read_text(text)}()"
            else:
                types[name] = ""
        return types

    def _read_text(self, address: int) -> str:
        """Return the C string at an address."""
        content = b""
        while b"\0" not in content and len(content) < MAX_STRING:
            # Short pieces: what lies behind the string may not be readable.
            content += self._memory.read(address + len(content), 8)
        return content.partition(b"\0")[0].decode(errors="replace")

    def _read_string(self, pointer: int) -> str:
        """Return the str that the pointer at an address leads to."""
        address = self._memory.read_pointer(pointer)
        head = self._memory.read(address, self._at.ascii_size)
        # PyASCIIObject: the length at 16, the state at 32.
        length = min(_POINTER.unpack_from(head, 16)[0], MAX_STRING)
        state = head[32]
        kind, is_ascii = state >> 2 & 7, state >> 6 & 1
        start = address + (self._at.ascii_size if is_ascii else self._at.compact_size)
        content = self._memory.read(start, length * kind)
        coding = {1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}.get(kind)
        if coding is None:
            message = f"expected a str, got one of kind {kind}"
            raise ValueError(message)
        return content.decode(coding, errors="replace")
