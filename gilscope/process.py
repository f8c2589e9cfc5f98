"""A Python process of its own: with a time limit, a private channel, nothing left over.

`Child` starts `module:function` in a fresh interpreter, takes in its messages, and ends
it with everything that it started. It is none of multiprocessing's, which would import
the caller's main module again. `start_detached` starts one that is nobody's child, and
`run_forked` makes a copy of this process.
"""

import importlib
import os
import pickle
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast

from gilscope.channel import CHANNEL_LOST, CHUNK_BYTES, Channel, Reader, encode
from gilscope.guard import die_with_parent

T = TypeVar("T")

PIPE = subprocess.PIPE

# A child ends itself at its time limit and leaves its stacks behind; this is how much
# longer one may take that cannot even do that.
GRACE_S = 2.0
POLL_S = 0.02
# In the environment of a child that is guarded, and of what it starts.
MARK = "GILSCOPE_WORKER"

# How much of what a child wrote is kept at either end; the rest is counted.
KEPT_BYTES = 2048
STACK_BYTES = 1 << 16
# How much of a stack goes into a reason, and of those of a copy of this process.
STACK_LINES = 24
FORKED_STACK_LINES = 200
STACK_NOISE = re.compile(
    r'"<(frozen |string>)|[/\\](threading|process|worker)\.py"|^$|^Extension modules'
    r"|[/\\](pluggy|_pytest|pytest)[/\\]"
)
STACK_START = re.compile(rb"^(Timeout \(|Fatal Python error)", re.MULTILINE)

# What a child's interpreter runs: our own packages are where they were found here.
ROOT = str(Path(__file__).parents[1])
BOOT = (
    "import sys; root = sys.argv[1]; root in sys.path or sys.path.insert(0, root); "
    "from gilscope.process import run_child; run_child()"
)


@dataclass
class Written:
    """What a child wrote to one of its streams: how much, its beginning and end."""

    n_bytes: int = 0
    head: bytes = b""
    tail: bytes = b""
    kept_bytes: int = KEPT_BYTES

    def add(self, chunk: bytes) -> None:
        """Take in what was written next."""
        self.n_bytes += len(chunk)
        self.head += chunk[: self.kept_bytes - len(self.head)]
        self.tail = (self.tail + chunk)[-self.kept_bytes :]


class Child:
    """A Python process that runs one function, and ends with the `with` block.

    Iterating gives the messages that the function sent, until the process has ended or
    its time is over.

    Args:
        entry: "package.module:function" of ours; the function gets a Channel.
        order: what the function is to do, as anything that JSON knows.
        timeout_s: how long it may take.
        renews: whether each message and each order begins the time anew.
        guards: whether another process ends whatever this one leaves (Linux).
        stdout, stderr: as for subprocess.Popen; PIPE = kept in `stdout`, `stderr`.
        path: where the user's modules are looked for; None = as in this process.
        gil: "0" or "1" for a free-threaded build; None = as in this process.
    """

    def __init__(  # noqa: PLR0913 - all but the first are by name.
        self,
        entry: str,
        order: Any = None,
        *,
        timeout_s: float,
        renews: bool = False,
        guards: bool = True,
        stdout: int | None = PIPE,
        stderr: int | None = PIPE,
        path: Sequence[str] | None = None,
        gil: str | None = None,
    ) -> None:
        """Take what is to be started."""
        self.timeout_s = timeout_s
        self.exit_code: int | None = None
        self.stdout = Written()
        self.stderr = Written()
        self._stack = Written(kept_bytes=STACK_BYTES)
        self._renews = renews
        self._guards = guards
        self._streams = stdout, stderr
        own = sys._xoptions.get("gil")  # noqa: SLF001 - there is no public name.
        self._gil = gil or (own if isinstance(own, str) else None)
        self._messages: deque[Any] = deque()
        self._selector = selectors.DefaultSelector()
        key = os.urandom(32)
        self._reader = Reader(key)
        self._is_over = self._is_late = False
        entries = sys.path if path is None else path
        self._job = {
            "key": key.hex(),
            "entry": entry,
            "order": order,
            "timeout_s": timeout_s,
            "renews": renews,
            "guards": guards,
            "parent_pid": os.getpid(),
            "path": [os.path.abspath(one) for one in entries if isinstance(one, str)],  # noqa: PTH100 - "" is the current folder.
            "pythonpath": os.environ.get("PYTHONPATH"),
        }

    def __enter__(self) -> Self:
        """Start the process."""
        self._end_s = time.monotonic() + self.timeout_s
        # Unbuffered, in Python and in C: it may be ended before it flushes.
        options = ["-u", "-P", *(["-X", f"gil={self._gil}"] if self._gil else [])]
        # The path is told by the order: nothing of the user's may come before ours.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if self._guards:
            environment[MARK] = "1"
        channel, channel_end = os.pipe()
        stack, stack_end = os.pipe()
        ends = channel_end, stack_end
        try:
            self._process = subprocess.Popen(  # noqa: S603 - it is this interpreter.
                [sys.executable, *options, "-c", BOOT, ROOT, *map(str, ends)],
                env=environment,
                stdin=subprocess.PIPE,
                pass_fds=ends,
                stdout=self._streams[0],
                stderr=self._streams[1],
                start_new_session=self._guards,
            )
        except BaseException:
            os.close(channel)
            os.close(stack)
            raise
        finally:
            os.close(channel_end)
            os.close(stack_end)
        files = [(channel, None), (stack, self._stack)]
        for stream, written in (
            (self._process.stdout, self.stdout),
            (self._process.stderr, self.stderr),
        ):
            if stream is not None:
                # The selector's end closes it.
                files.append((os.dup(stream.fileno()), written))
                stream.close()
        for fd, target in files:
            self._selector.register(fd, selectors.EVENT_READ, target)
        try:
            self.send({**self._job, "started_at": time.time()})
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process and whatever it started."""
        self.close()

    def send(self, order: Any) -> None:
        """Give the child something to do; one that has ended notices nothing."""
        self._renew()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(encode(order).encode() + b"\n")
            self._process.stdin.flush()

    def __iter__(self) -> Iterator[Any]:
        """Yield the messages as they come."""
        while (message := self.receive()) is not None:
            yield message

    def receive(self) -> Any:
        """Return the next message, None if no more will come."""
        while not self._messages and not self._is_over:
            has_ended = self._process.poll() is not None
            rest_s = max(0.0, self._end_s + GRACE_S - time.monotonic())
            # What is in the pipes of one that has ended is read without waiting.
            if not self._take_in(0.0 if has_ended else min(rest_s, 5 * POLL_S)):
                self._is_over = has_ended or rest_s <= 0
                self._is_late = rest_s <= GRACE_S
                self.exit_code = self._process.returncode
        return self._messages.popleft() if self._messages else None

    def _renew(self) -> None:
        if self._renews:
            self._end_s = time.monotonic() + self.timeout_s

    def _take_in(self, wait_s: float) -> bool:
        """Read what is there; return whether there was anything but ends."""
        n_bytes = 0
        if not self._selector.get_map():
            time.sleep(min(wait_s, POLL_S))
            return False
        for key, _ in self._selector.select(wait_s):
            chunk = os.read(key.fd, CHUNK_BYTES)
            n_bytes += len(chunk)
            if not chunk:
                self._selector.unregister(key.fd)
                os.close(key.fd)
            elif key.data is not None:
                key.data.add(chunk)
            else:
                self._messages += self._reader.feed(chunk)
                self._renew()
        # A flood of anything else must not keep the time limit from being noticed.
        return n_bytes > 0 and time.monotonic() < self._end_s + GRACE_S

    def wait_for_end(self, timeout_s: float) -> int | None:
        """Give no more orders; return the exit status, None if it has not ended."""
        self._end_orders()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self._process.returncode

    def _end_orders(self) -> None:
        assert self._process.stdin is not None
        # What was sent last may have found nobody.
        with suppress(OSError):
            self._process.stdin.close()

    def close(self) -> None:
        """End it with everything that it started, and read what it wrote."""
        if not self._is_over:
            self.exit_code = self._process.poll()
        if self._guards and sys.platform == "linux":
            # It ends all its descendants itself.
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        if self._guards:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._end_orders()
        until = time.monotonic() + GRACE_S
        while self._selector.get_map() and time.monotonic() < until:
            self._take_in(POLL_S)
        for key in [*self._selector.get_map().values()]:
            os.close(key.fd)
        self._selector.close()

    @property
    def stray(self) -> Written:
        """What was written to descriptors of the channel, or that nobody had opened."""
        reader = self._reader
        return Written(reader.n_stray_bytes, reader.stray, reader.stray)

    def explain_end(self, what: str) -> tuple[Literal["timeout", "crashed"], str]:
        """Say why it ended, or did not, without having said so itself."""
        # One that ended itself at its time limit says so, however late its last
        # message was read here.
        is_late = self._is_late or b"Timeout (" in self._stack.tail
        is_late = is_late and self.exit_code in (None, 1)
        timeout_s = self.timeout_s if is_late else None
        said = self.stderr.tail.decode(errors="replace").strip()
        return explain_end(
            what, self.exit_code, timeout_s, read_stack(self._stack.tail), said
        )


# A negative exit code is a signal; None: it had to be ended.
def explain_end(
    what: str, exit_code: int | None, timeout_s: float | None, stack: str, said: str
) -> tuple[Literal["timeout", "crashed"], str]:
    """Put an end into words."""
    if timeout_s is not None:
        lines = [f"{what} had not ended after {timeout_s:g} s", stack]
        return "timeout", "\n".join(filter(None, lines))
    if exit_code is None:
        end = f"{what} was ended"
    elif exit_code == CHANNEL_LOST:
        end = f"{what} closed descriptors that were not its own"
    elif exit_code < 0:
        known = [one.name for one in signal.Signals if one == -exit_code]
        end = f"{what} ended with {known[0] if known else f'signal {-exit_code}'}"
    else:
        end = f"{what} ended the process with exit status {exit_code}"
    lines = [end, stack, said and f"standard error: {said}"]
    return "crashed", "\n".join(filter(None, lines))


def read_stack(whole: bytes, n_lines: int = STACK_LINES) -> str:
    """Return the last stacks that faulthandler wrote, most recent call first, or ""."""
    starts = [*STACK_START.finditer(whole)]
    if not starts:
        return ""
    # The first line of a timeout only says again that time was over.
    text = whole[starts[-1].start() :].decode(errors="replace")
    if text.startswith("Timeout"):
        text = text.partition("\n")[2]
    # What started the child and its threads is the same for all.
    lines = [line for line in text.splitlines() if not STACK_NOISE.search(line)]
    if len(lines) > n_lines:
        lines[n_lines:] = [f"... ({len(lines) - n_lines} more lines)"]
    return "\n".join(lines)


def run_child() -> None:
    """Run what the parent asks for; `python -c BOOT` begins here."""
    fds = [int(text) for text in sys.argv[2:]]
    del sys.argv[1:]
    channel = Channel(0, *fds)
    module_name, _, name = channel.entry.partition(":")
    getattr(importlib.import_module(module_name), name)(channel)


def start_detached(entry: str, words: Sequence[str], fds: Sequence[int]) -> None:
    """Run a function of ours with these words in a process that is nobody's child.

    A program that waits for any of its children does not find it. It has no limit, and
    reads nothing of the user's: neither the environment nor site-packages.
    """
    module, _, name = entry.partition(":")
    program = (
        "import os, sys; os.fork() and os._exit(0); os.chdir('/'); "
        f"sys.path.append({ROOT!r}); from {module} import {name}; {name}({[*words]!r})"
    )
    subprocess.Popen(  # noqa: S603 - it is this interpreter.
        (sys.executable, "-I", "-S", "-c", program),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        start_new_session=True,
    ).wait()


class ForkEndedError(Exception):
    """A copy of this process ended without an answer; `stack` has its threads."""

    def __init__(self, exit_code: int, stack: str) -> None:
        """Take what came of it."""
        super().__init__(explain_end("the call", exit_code, None, stack, "")[1])
        self.exit_code = exit_code
        self.stack = stack


def run_forked(work: Callable[[int], T]) -> T:
    """Run a function in a copy of this process, and wait for the end of that.

    Nothing that the function does is seen here but what it returns or raises. It gets a
    descriptor to which faulthandler may write stacks, for the ForkEndedError of a copy
    that ends without an answer.
    """
    # Of pytest: what went wrong is not here.
    __tracebackhide__ = True
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as stacks:
        sys.stdout.flush()
        sys.stderr.flush()
        own_pid = os.getpid()
        with warnings.catch_warnings():
            # Of threads that the copy has not.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            die_with_parent(own_pid)
            answer.write(_answer(work, stacks.fileno()))
            answer.flush()
            os._exit(0)
        try:
            _, status = os.waitpid(pid, 0)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        answer.seek(0)
        content = answer.read()
        stacks.seek(0)
        stack = read_stack(stacks.read(), FORKED_STACK_LINES)
    if not content:
        raise ForkEndedError(os.waitstatus_to_exitcode(status), stack)
    has_returned, value = pickle.loads(content)  # noqa: S301 - a copy of this process.
    if has_returned:
        return cast("T", value)
    raise value


def _answer(work: Callable[[int], Any], file: int) -> bytes:
    """Return what a function returns or raises, for the process that was copied."""
    try:
        content = pickle.dumps((True, work(file)))
    except BaseException as error:  # noqa: BLE001 - it is raised there.
        error.add_note("".join(traceback.format_exception(error)))
        try:
            content = pickle.dumps((False, error))
            pickle.loads(content)  # noqa: S301 - what was just made.
        except Exception:  # noqa: BLE001 - of anybody's class.
            text = f"{type(error).__qualname__}: {error}"
            content = pickle.dumps((False, RuntimeError(text)))
    sys.stdout.flush()
    sys.stderr.flush()
    return content
