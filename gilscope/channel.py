"""What a child process tells its parent, whatever runs in the child beside it.

A message is a line of JSON after a key that only the two processes have. The pipe for
it is opened by a name for each message and closed again: while other code runs, no
descriptor of the channel is there to be closed or written to.

Source:
    proc(5): /proc/PID/fd; fifo(7).
"""

import faulthandler
import fcntl
import json
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from gilscope.guard import die_with_parent, go_on_in_child

# Our own packages are where they were found here.
ROOT = str(Path(__file__).parents[1])
# Where a child has its own descriptors: out of the way of code that writes to, or
# closes, the small ones.
HIGH_FD = 200
# The small ones, into which somebody may write who has no file of that number.
SMALL_FDS = range(3, 20)
STANDARD_FDS = range(3)
# A child that took longer to start than it has time still tells where it was.
REST_MIN_S = 0.05
CHUNK_BYTES = 1 << 16
REPR_LENGTH = 500

# As they were before the code that runs in the child could replace them.
_os = SimpleNamespace(**vars(os))
_leave = os._exit


def encode(value: Any) -> str:
    """Return a value as JSON in ASCII; what JSON has no form for, as its repr()."""
    return "".join(_iterencode(_encoder, value))


def convert(value: Any) -> Any:
    """Return a dataclass as a dict, and anything else that JSON has not as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return describe_value(value)


def describe_value(value: object) -> str:
    """Return the repr() of a value, or its type where that is not to be had."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - it is anybody's code.
        text = f"<{type(value).__name__}>"
    return text if len(text) <= REPR_LENGTH else f"{text[:REPR_LENGTH]}..."


# As it was, too.
_encoder = json.JSONEncoder(separators=(",", ":"), default=convert)
_iterencode = json.JSONEncoder.iterencode


class Descriptor:
    """A file descriptor that other code may close, and open as a file of its own."""

    def __init__(self, number: int) -> None:
        """Take over a number; nothing has to be open there."""
        self.number = number
        self._identity = self._identify()

    def _identify(self) -> tuple[int, int] | None:
        with suppress(OSError):
            found = _os.fstat(self.number)
            return found.st_dev, found.st_ino
        return None

    def is_same(self) -> bool:
        """Return whether the number still stands for what it stood for."""
        return self._identify() == self._identity

    def is_open(self) -> bool:
        """Return whether there was a file, and is."""
        return self._identity is not None and self.is_same()

    def close(self) -> None:
        """Close it, unless it is somebody else's by now."""
        if self.is_open():
            _os.close(self.number)
            self._identity = None


class Mailbox:
    """The parent's end: messages come in from whoever opens it by its name."""

    def __init__(self) -> None:
        """Open a pipe, whose name is in /proc, or a FIFO where there is none."""
        self.key = os.urandom(16).hex()
        self._rest = b""
        self.fd, *self._others = os.pipe()
        self.name = f"/proc/{os.getpid()}/fd/{self._others[0]}"
        self._is_fifo = False
        try:
            os.close(os.open(self.name, os.O_WRONLY))
        except OSError:
            self._others.append(self.fd)
            self.name = f"{tempfile.gettempdir()}/gilscope-{os.urandom(8).hex()}"
            os.mkfifo(self.name, 0o600)
            self._is_fifo = True
            # Who opens it for both waits for nobody.
            self.fd = os.open(self.name, os.O_RDWR | os.O_CLOEXEC)

    def read(self) -> list[Any]:
        """Return the messages that are whole now."""
        *lines, self._rest = (self._rest + os.read(self.fd, CHUNK_BYTES)).split(b"\n")
        messages = []
        for line in lines:
            key, _, text = line.partition(b" ")
            # Whoever writes to every descriptor may hit upon it while it is open.
            if key == self.key.encode():
                with suppress(ValueError):
                    # What is no number is no figure: it stays a text.
                    messages.append(json.loads(text, parse_constant=str))
        return messages

    def close(self) -> None:
        """Close it, and leave no file behind."""
        for fd in (self.fd, *self._others):
            os.close(fd)
        if self._is_fifo:
            os.unlink(self.name)  # noqa: PTH108 - starts light.


class Channel:
    """The child's end.

    Attributes:
        entry: what this process is to run.
        order: the first order.
    """

    def __init__(self, *fds: int) -> None:
        """Move orders, stack and stray out of the way, and read the first order."""
        self._orders, self._stack, self._stray = map(move_up, fds)
        if self._orders:
            # Standard input is empty, in what is started here too.
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.set_inheritable(nothing, True)  # noqa: FBT003 - it takes no keyword.
        # Its place is for the channel, where all others are taken.
        self._spare = open_nothing()
        self._seen = [Descriptor(self._stack)]
        self._text = b""
        self._renewed_s: float | None = None
        job = self.receive()
        if job is None:
            # Who started this process has gone.
            os._exit(1)
        self.entry: str = job["entry"]
        self.order: Any = job["order"]
        self._mailbox, self._key = job["mailbox"]
        self._path: list[str] = job["path"]
        self._pythonpath: str | None = job["pythonpath"]
        if job["guards"]:
            go_on_in_child(job["parent_pid"])
        else:
            die_with_parent(job["parent_pid"])
        self._pid = os.getpid()
        faulthandler.enable(self._stack)
        # The wall clock is the one that two processes share; it may have been set.
        gone_s = max(0.0, time.time() - job["started_at"])
        self.limit(max(REST_MIN_S, job["timeout_s"] - gone_s))
        self._renewed_s = job["timeout_s"] if job["renews"] else None

    def use_search_path(self) -> None:
        """Look for modules where the parent does, from now on."""
        sys.path[:] = self._path
        if self._pythonpath is not None:
            os.environ["PYTHONPATH"] = self._pythonpath

    def occupy_small_fds(self) -> None:
        """Take what is written to descriptors that nobody has opened to the parent."""
        for fd in SMALL_FDS:
            if not Descriptor(fd).is_open():
                os.dup2(self._stray, fd, inheritable=False)
        self._seen += map(Descriptor, (*STANDARD_FDS, *SMALL_FDS))

    def were_fds_closed(self) -> bool:
        """Return whether somebody closed descriptors that were open before."""
        return not all(one.is_same() for one in self._seen)

    def receive(self) -> Any:
        """Return the next order, None if there will be none."""
        if self._renewed_s is not None:
            # Nobody hangs who has nothing to do.
            faulthandler.cancel_dump_traceback_later()
        while b"\n" not in self._text:
            chunk = _os.read(self._orders, CHUNK_BYTES)
            if not chunk:
                return None
            self._text += chunk
        line, _, self._text = self._text.partition(b"\n")
        self._renew()
        return json.loads(line)

    def send(self, value: Any) -> None:
        """Tell the parent something, at once and as a whole."""
        if _os.getpid() != self._pid:
            # A child that was forked here came back as if it were this process.
            _leave(1)
        self._renew()
        # Output of somebody else before it gets a line of its own.
        rest = f"\n{self._key} {encode(value)}\n".encode()
        self._spare.close()
        fd = _os.open(self._mailbox, _os.O_WRONLY | _os.O_CLOEXEC)
        while rest:
            rest = rest[_os.write(fd, rest) :]
        _os.close(fd)
        self._spare = open_nothing()

    def exit(self) -> NoReturn:
        """End at once: what was left here could keep the interpreter from ending."""
        _leave(0)

    def limit(self, seconds: float) -> None:
        """End this process after so long, with the stacks of all its threads."""
        # From C, so that it also works where the GIL is never released.
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._stack)

    def _renew(self) -> None:
        if self._renewed_s is not None:
            self.limit(self._renewed_s)


def open_nothing() -> Descriptor:
    """Return a descriptor that keeps its place; the small ones are for strays."""
    return Descriptor(move_up(_os.open(os.devnull, _os.O_RDONLY | _os.O_CLOEXEC)))


def move_up(fd: int) -> int:
    """Move a descriptor to a large number."""
    try:
        moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH_FD)
    except OSError:
        # So many are not allowed here, or open.
        return fd
    _os.close(fd)
    return moved
