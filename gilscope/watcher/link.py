"""Starts the sampler, and talks with it in lines of JSON over two pipes."""

import contextlib
import ctypes
import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gilscope.process import ROOT
from gilscope.watcher.offsets import Offsets, WatchUnavailableError

TIMEOUT_S = 20.0
# <linux/prctl.h>; the argument that forbids it again is 0.
_PR_SET_PTRACER = 0x59616D61


class Pipe:
    """One end of a pipe, for as long as its number stands for it.

    Programs close files that they did not open, and open others by that number.
    """

    def __init__(self, file: int) -> None:
        """Take over a file descriptor."""
        self.file = file
        self._stat = os.fstat(file)

    def is_open(self) -> bool:
        """Return whether the number still stands for this pipe."""
        try:
            return os.path.samestat(os.fstat(self.file), self._stat)
        except OSError:
            return False

    def read(self) -> bytes:
        """Return what came; nothing at the end."""
        with contextlib.suppress(OSError):
            return os.read(self.file, 1 << 16) if self.is_open() else b""
        return b""

    def write(self, content: bytes) -> None:
        """Write, if anybody is there to read."""
        with contextlib.suppress(OSError):
            if self.is_open():
                os.write(self.file, content)

    def close(self) -> None:
        """Close it."""
        if self.is_open():
            os.close(self.file)


class SamplerLink:
    """A sampler that reads this process, and the pipes to and from it."""

    def __init__(self, offsets: Offsets, report_to: int | None = None) -> None:
        """Start the sampler."""
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._pid = os.getpid()
        self._is_tracer = False
        self.sampler_pid = 0
        reports, reports_end = os.pipe()
        control_end, control = os.pipe()
        ends = [reports_end, *(() if report_to is None else [report_to])]
        order = {
            "pid": self._pid,
            "control": control_end,
            "reports": ends,
            "offsets": asdict(offsets),
        }
        self._reports, self._control = Pipe(reports), Pipe(control)
        try:
            start_sampler(json.dumps(order), (control_end, *ends))
        except OSError as error:
            self.close()
            message = f"the watcher cannot start {sys.executable!r}: {error.strerror}"
            raise WatchUnavailableError(message) from error
        finally:
            os.close(control_end)
            os.close(reports_end)

    def open(self) -> None:
        """Make sure that the sampler is there and can read this process."""
        hello = self.expect("hello")
        self.sampler_pid = hello["pid"]
        error = self.ask("read")["error"]
        if error:
            # Yama: only who is named may read.
            self._allow(self.sampler_pid)
            self._is_tracer = True
            error = self.ask("read")["error"]
        if hello["version"] != sys.hexversion:
            message = (
                f"the watcher expected {sys.executable!r} to be Python "
                f"{sys.hexversion:#x}, got {hello['version']:#x}"
            )
        elif error:
            message = (
                "the watcher may not read this process's memory: /proc/PID/mem: "
                f"{error}{describe_limits()}"
            )
        else:
            return
        raise WatchUnavailableError(message)

    def send(self, command: str) -> None:
        """Send a command."""
        self._control.write(f"{command}\n".encode())

    def ask(self, command: str) -> dict[str, Any]:
        """Send a command and return its answer."""
        self.send(command)
        return self.expect(command.partition(" ")[0])

    def expect(self, kind: str) -> dict[str, Any]:
        """Wait for a report of a kind; others are dropped."""
        end = time.monotonic() + TIMEOUT_S
        while (report := self.receive(max(end - time.monotonic(), 0))) is not None:
            if report["kind"] == kind:
                return report
        message = f"the watcher's sampler did not answer (expected {kind!r})"
        raise WatchUnavailableError(message)

    def receive(self, timeout_s: float | None = None) -> dict[str, Any] | None:
        """Return the next report; None if the sampler has ended or time is up."""
        while not self._lines:
            if timeout_s is not None:
                # Unlike select() it takes numbers of any size.
                poll = select.poll()
                poll.register(self._reports.file, select.POLLIN)
                if not poll.poll(timeout_s * 1000):
                    return None
            content = self._reports.read()
            if not content:
                return None
            *lines, self._rest = (self._rest + content).split(b"\n")
            self._lines.extend(lines)
        report: dict[str, Any] = json.loads(self._lines.popleft())
        return report

    def close(self) -> None:
        """Close the pipes, which ends the sampler too."""
        self._reports.close()
        self._control.close()
        if self._is_tracer and os.getpid() == self._pid:
            self._allow(0)

    @staticmethod
    def _allow(pid: int) -> None:
        """Allow a process to read the memory of this one."""
        zero = ctypes.c_ulong(0)
        arguments = ctypes.c_ulong(pid), zero, zero, zero
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, *arguments)


def start_sampler(order: str, fds: Sequence[int]) -> None:
    """Start the sampler in a process that is nobody's child.

    A program that waits for any of its children does not find it. It reads nothing of
    the user's: neither the environment nor site-packages.
    """
    program = (
        "import os, sys; os.fork() and os._exit(0); os.chdir('/'); "
        f"sys.path.append({ROOT!r}); from gilscope.watcher.sampler import main; "
        f"main({order!r})"
    )
    subprocess.Popen(  # noqa: S603 - it is this interpreter.
        (sys.executable, "-I", "-S", "-c", program),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        start_new_session=True,
    ).wait()


def describe_limits() -> str:
    """Return which known limits are set here, to be put behind an error."""
    found = ""
    with contextlib.suppress(OSError):
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text("ascii").strip()
        if scope != "0":
            found += f"; kernel.yama.ptrace_scope is {scope}"
    with contextlib.suppress(OSError):
        if "\nSeccomp:\t2" in Path("/proc/self/status").read_text("utf-8"):
            found += "; a seccomp filter is active"
    return found
