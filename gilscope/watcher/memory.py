"""Reads the memory of another process, and the Python objects in it."""

import dis
import errno
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


class ProcessMemory:
    """The memory of a process, by proc(5): /proc/PID/mem."""

    def __init__(self, pid: int) -> None:
        """Open nothing: it may not be allowed yet."""
        self._path = f"/proc/{pid}/mem"
        self._file = -1

    def read(self, address: int, size: int) -> bytes:
        """Return `size` bytes, at most 64 KiB."""
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        size = min(size, MAX_READ)
        try:
            content = os.pread(self._file, size, address)
        except OverflowError as error:
            raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
        if len(content) != size:
            # Nothing is left of a process that has ended.
            number = errno.EFAULT if content else errno.ESRCH
            raise OSError(number, os.strerror(number))
        return content

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
class FramePlace:
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
        self._request_address = offsets.interpreter_address + offsets.request

    def read_gil(self) -> tuple[int, int, int, int]:
        """Return interval, us, holder, whether it is locked, and number of switches."""
        content = self._memory.read(self.gil_address, _GIL.size)
        interval, holder, locked, switches = _GIL.unpack(content)
        return interval, holder, locked, switches

    def read_state(self) -> State | None:
        """Return who holds the GIL; None where nobody does."""
        at, read = self._at, self._memory.read
        interval, holder, locked, switches = self.read_gil()
        if locked <= 0 or not holder:
            return None
        thread = read(holder, self._thread_size)
        word = _POINTER.unpack_from
        if self._request_in_thread:
            asked = word(thread, at.request)[0] & 1
            frame = word(thread, at.current_frame)[0]
        else:
            asked = _INT.unpack(read(self._request_address, 4))[0] == 1
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
            self._memory.read_pointer(at.rest_address) == 0,
            bool(asked),
            interval,
            word(thread, at.native_thread_id)[0],
        )

    def read_place(self, frame: int) -> FramePlace | None:
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
        return FramePlace(
            stack, position, opcode, types, _INT.unpack(collecting)[0] == 1
        )

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
        positions = [*islice(stand_in.co_positions(), index + 1)]
        if positions[-1][0] is None:
            # It belongs to no line: the one before it, or where the code begins.
            lines = (found for found, *_ in reversed(positions) if found is not None)
            line = next(lines, line)
            return line, line, None, None
        return positions[-1]

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
