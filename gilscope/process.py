"""A Python process of its own: with a time limit, a private channel, nothing left over.

`Child` starts `module:function` in a fresh interpreter, takes in its messages, and ends
it with everything that it started. It is none of multiprocessing's, which would import
the caller's main module again. `run_forked` makes a copy of this process.
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
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeVar, cast

from gilscope.channel import CHUNK_BYTES, ROOT, Channel, Mailbox, encode
from gilscope.guard import die_with_parent
from gilscope.threads import WAIT_MAX_S

T = TypeVar("T")

PIPE = subprocess.PIPE
# For a child whose output is none of the report.
STANDARD_ERROR = 2

# A child ends itself at its time limit and leaves its stacks behind; this is how much
# longer one may take that cannot even do that.
OVERTIME_S = 2.0
CHILD_POLL_S = 0.1
# In the environment of a child that is guarded, and of what it starts.
WORKER_MARK = "GILSCOPE_WORKER"

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

# The code that a child's interpreter runs.
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

    Attributes:
        stdout, stderr: what it wrote there.
        stray: what it wrote to descriptors that nobody had opened.
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
        self.timeout_s = timeout_s = min(timeout_s, WAIT_MAX_S)
        self.exit_code: int | None = None
        self.stdout, self.stderr, self.stray = Written(), Written(), Written()
        self._stack = Written(kept_bytes=STACK_BYTES)
        self._renews = renews
        self._guards = guards
        self._streams = stdout, stderr
        own = sys._xoptions.get("gil")  # noqa: SLF001 - there is no public name.
        self._gil = gil or (own if isinstance(own, str) else None)
        self._messages: deque[Any] = deque()
        self._is_over = self._is_late = False
        entries = sys.path if path is None else path
        self._job = {
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
            environment[WORKER_MARK] = "1"
        with ExitStack() as stack, ExitStack() as ends:
            self._mailbox = Mailbox()
            stack.callback(self._mailbox.close)
            self._selector = selectors.DefaultSelector()
            stack.callback(self._read_rest)
            self._selector.register(self._mailbox.fd, selectors.EVENT_READ)

            def listen(written: Written) -> int:
                fd, end = os.pipe()
                self._selector.register(fd, selectors.EVENT_READ, written)
                ends.callback(os.close, end)
                return end

            own = [listen(self._stack), listen(self.stray)]
            stdout, stderr = (
                listen(written) if stream == PIPE else stream
                for stream, written in zip(
                    self._streams, (self.stdout, self.stderr), strict=True
                )
            )
            self._process = subprocess.Popen(  # noqa: S603 - it is this interpreter.
                [sys.executable, *options, "-c", BOOT, ROOT, *map(str, own)],
                env=environment,
                stdin=PIPE,
                pass_fds=own,
                stdout=stdout,
                stderr=stderr,
                start_new_session=self._guards,
            )
            stack.callback(self._end_process)
            # Of what was written the end is seen when nobody else can write.
            ends.close()
            mailbox = self._mailbox.name, self._mailbox.key
            self.send({**self._job, "mailbox": mailbox, "started_at": time.time()})
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End it with everything that it started, and read what it wrote."""
        if not self._is_over:
            self.exit_code = self._process.poll()
        self._closing.close()

    def send(self, order: Any) -> None:
        """Give the child something to do; one that has ended notices nothing."""
        self._renew()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(encode(order).encode() + b"\n")
            self._process.stdin.flush()

    def __iter__(self) -> Iterator[Any]:
        """Yield the messages as they come."""
        return iter(self.receive, None)

    def receive(self) -> Any:
        """Return the next message, None if no more will come."""
        while not self._messages and not self._is_over:
            has_ended = self._process.poll() is not None
            rest_s = max(0.0, self._end_s + OVERTIME_S - time.monotonic())
            # The pipes of a child that has ended are read without waiting.
            if not self._take_in(0.0 if has_ended else min(rest_s, CHILD_POLL_S)):
                self._is_over = has_ended or rest_s <= 0
                self._is_late = rest_s <= OVERTIME_S
                self.exit_code = self._process.returncode
        return self._messages.popleft() if self._messages else None

    def _renew(self) -> None:
        if self._renews:
            self._end_s = time.monotonic() + self.timeout_s

    def _take_in(self, wait_s: float) -> bool:
        """Read what is there; return whether there was anything but ends."""
        has_come = False
        for key, _ in self._selector.select(wait_s):
            if key.data is None:
                self._messages += self._mailbox.read()
                self._renew()
                has_come = True
            elif chunk := os.read(key.fd, CHUNK_BYTES):
                key.data.add(chunk)
                has_come = True
            else:
                self._selector.unregister(key.fd)
                os.close(key.fd)
        # A flood of anything else must not keep the time limit from being noticed.
        return has_come and time.monotonic() < self._end_s + OVERTIME_S

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

    def _end_process(self) -> None:
        """End it with everything that it started."""
        if self._guards and sys.platform == "linux":
            # It ends all its descendants itself.
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(OVERTIME_S)
        if self._guards:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._end_orders()

    def _read_rest(self) -> None:
        """Read what it wrote, to the ends of the pipes if nobody keeps them open."""
        self._selector.unregister(self._mailbox.fd)
        until = time.monotonic() + OVERTIME_S
        while self._selector.get_map() and time.monotonic() < until:
            self._take_in(CHILD_POLL_S)
        for key in [*self._selector.get_map().values()]:
            os.close(key.fd)
        self._selector.close()

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
            for stream in (answer, sys.stdout, sys.stderr):
                stream.flush()
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
        return pickle.dumps((True, work(file)))
    except BaseException as error:  # noqa: BLE001 - it is raised there.
        error.add_note("".join(traceback.format_exception(error)))
        # It may be of anybody's class.
        with suppress(Exception):
            content = pickle.dumps((False, error))
            pickle.loads(content)  # noqa: S301 - what was just made.
            return content
        return pickle.dumps(
            (False, RuntimeError(f"{type(error).__qualname__}: {error}"))
        )
