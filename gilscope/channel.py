"""What a child process tells its parent, whatever runs in the child beside it.

A message is JSON in lines, each signed with a key that only the two processes have and
short enough to be written as a whole. Whatever else is written to the descriptor is
left out; one that was closed is taken back from the process that guards the child.

Source:
    pipe(7): writes of at most PIPE_BUF bytes are atomic; proc(5): /proc/PID/fd.
"""

import dataclasses
import faulthandler
import fcntl
import hashlib
import itertools
import json
import math
import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from json.encoder import encode_basestring_ascii
from types import SimpleNamespace
from typing import Any, NoReturn

from gilscope.guard import die_with_parent, go_on_in_child

# Descriptors of the channel, from the first of these that is allowed here: out of the
# way of code that writes to, or closes, the small ones.
HIGH_FDS = (960, 200, 60)
# The small ones, into which somebody may write who has no file of that number.
SMALL_FDS = range(3, 20)
STANDARD_FDS = range(3)
# The exit status of a child whose channel was closed for good.
CHANNEL_LOST = 87
# A child that took longer to start than it has time still tells where it was.
REST_MIN_S = 0.05
POLL_S = 0.02
CHUNK_BYTES = 1 << 16
DIGEST_BYTES = 16
# Of what is sent: how deep it may be nested, how large an int and a repr() may be.
DEPTH_MAX = 100
BITS_MAX = 512
REPR_LENGTH = 500

# As they were before the code that runs in the child could replace them.
_os = SimpleNamespace(**vars(os))
_leave = os._exit


def encode(value: Any, depth: int = 0) -> str:
    """Return a value as JSON in ASCII, whatever it is.

    Nothing of `json` runs that could have been replaced. What JSON has no form for,
    numbers that are none included, becomes the text of its repr().

    Raises:
        ValueError: it is nested too deeply.
    """
    if depth > DEPTH_MAX:
        message = f"expected at most {DEPTH_MAX} levels of nesting in what is sent"
        raise ValueError(message)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, dict):
        items = dict.items(value)
        pairs = [f"{encode_text(key)}:{encode(item, depth + 1)}" for key, item in items]
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join([encode(item, depth + 1) for item in value])}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and int.bit_length(value) <= BITS_MAX:
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    return encode_text(value)


def encode_text(value: object) -> str:
    """Return a string, or the repr() of anything else, as JSON."""
    if not isinstance(value, str):
        value = describe_value(value)
    # Halves of surrogate pairs have no place in a file or on a terminal.
    return encode_basestring_ascii(
        str.encode(value, "utf-8", "backslashreplace").decode()
    )


def describe_value(value: object) -> str:
    """Return the repr() of a value, or its type where that is not to be had."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - it is anybody's code.
        text = f"<{type(value).__name__}>"
    return text if len(text) <= REPR_LENGTH else f"{text[:REPR_LENGTH]}..."


def sign(key: bytes, body: bytes) -> bytes:
    """Return what proves that a line was written by who has the key."""
    digest = hashlib.blake2b(body, key=key, digest_size=DIGEST_BYTES)
    return digest.hexdigest().encode()


def make_lines(key: bytes, numbers: Iterator[int], value: Any) -> Iterator[bytes]:
    """Yield the lines of a message."""
    text = encode(value).encode()
    room = select.PIPE_BUF - 2 * DIGEST_BYTES - 32
    for start in range(0, len(text), room):
        end = b"." if start + room >= len(text) else b"+"
        body = b"%d%s%s" % (next(numbers), end, text[start : start + room])
        # What somebody else wrote before gets a line of its own.
        yield b"\n%s %s\n" % (sign(key, body), body)


class Reader:
    """What makes messages of the bytes of a channel."""

    def __init__(self, key: bytes) -> None:
        """Take the key with which the lines are signed."""
        self._key = key
        self._rest = b""
        self._n_lines = 0
        self.stray = b""
        self.n_stray_bytes = 0
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Any]:
        """Yield the messages that are whole now."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        # A line of ours is not longer; of anything else its end is enough.
        self._rest = rest[-select.PIPE_BUF :]
        self._note_stray(rest[: -select.PIPE_BUF])
        for line in lines:
            part = self._check_line(line)
            if part is None:
                self._note_stray(line)
                continue
            self._parts.append(part[1:])
            if part[:1] == b".":
                text, self._parts = b"".join(self._parts), []
                yield json.loads(text)

    def _note_stray(self, line: bytes) -> None:
        self.n_stray_bytes += len(line)
        self.stray += line[: REPR_LENGTH - len(self.stray)]

    def _check_line(self, line: bytes) -> bytes | None:
        """Return what a line brings if it is the next one, "." or "+" before it."""
        digest, _, body = line.partition(b" ")
        # A line that is sent again has a number that was had before.
        start = b"%d" % self._n_lines
        if digest != sign(self._key, body) or not re.match(rb"%s[.+]" % start, body):
            return None
        self._n_lines += 1
        return body[len(start) :]


class Channel:
    """The child's end."""

    def __init__(self, orders: int, channel: int, stack: int) -> None:
        """Move the descriptors out of the way, and read the first order."""
        self._orders, self._fd, self._stack = map(move_up, (orders, channel, stack))
        self._identities = {fd: identify(fd) for fd in (self._fd, self._stack)}
        self._seen: dict[int, tuple[int, int] | None] = {}
        self._text = b""
        self._renewed_s: float | None = None
        job = self.receive()
        if job is None:
            # Who started this process has gone.
            os._exit(1)
        self.entry: str = job["entry"]
        self.order: Any = job["order"]
        self._key = bytes.fromhex(job["key"])
        self._numbers = itertools.count()
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
            if identify(fd) is None:
                os.dup2(self._fd, fd, inheritable=False)
        self._seen = {fd: identify(fd) for fd in (*STANDARD_FDS, *SMALL_FDS)}

    def were_fds_closed(self) -> bool:
        """Return whether somebody closed descriptors that were open before."""
        return any(
            identify(fd) != identity
            for fd, identity in (*self._identities.items(), *self._seen.items())
        )

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
        for line in make_lines(self._key, self._numbers, value):
            self._restore()
            while True:
                try:
                    _os.write(self._fd, line)
                    break
                except BlockingIOError:
                    time.sleep(POLL_S)

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

    def _restore(self) -> None:
        """Take back from the process that guards this one what was closed here."""
        for fd, identity in self._identities.items():
            if identify(fd) == identity:
                continue
            try:
                again = _os.open(f"/proc/{_os.getppid()}/fd/{fd}", os.O_WRONLY)
            except OSError:
                _leave(CHANNEL_LOST)
            _os.dup2(again, fd, inheritable=False)
            _os.close(again)
            if identify(fd) != identity:
                _leave(CHANNEL_LOST)


def identify(fd: int) -> tuple[int, int] | None:
    """Return what is open under that number, None if nothing is."""
    with suppress(OSError):
        found = _os.fstat(fd)
        return found.st_dev, found.st_ino
    return None


def move_up(fd: int) -> int:
    """Move a descriptor to a large number; standard input becomes empty."""
    for least in HIGH_FDS:
        with suppress(OSError):
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, least)
            break
    else:
        return fd
    if fd == 0:
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
    else:
        os.close(fd)
    return moved
