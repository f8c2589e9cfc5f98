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

from gilscope.channel import CHUNK_BYTES, ROOT, Descriptor
from gilscope.watcher.offsets import Offsets, WatchUnavailableError

ANSWER_TIMEOUT_S = 20.0
# <linux/prctl.h>; the argument that forbids it again is 0.
_PR_SET_PTRACER = 0x59616D61


class Pipe(Descriptor):
    """One end of a pipe, in a program that may close it."""

    def read(self) -> bytes:
        """Return what came; nothing at the end."""
        with contextlib.suppress(OSError):
            return os.read(self.number, CHUNK_BYTES) if self.is_open() else b""
        return b""

    def write(self, content: bytes) -> None:
        """Write, if anybody is there to read."""
        with contextlib.suppress(OSError):
            if self.is_open():
                os.write(self.number, content)


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
        self._reports, self._control = Pipe(reports), Pipe(control)
        ends = [reports_end, *(() if report_to is None else [report_to])]
        order = {
            "pid": self._pid,
            "control": control_end,
            "reports": ends,
            "offsets": asdict(offsets),
        }
        try:
            start_sampler(json.dumps(order), (control_end, *ends))
        except OSError as error:
            self.close()
            message = f"the watcher cannot start {sys.executable!r}: {error.strerror}"
            raise WatchUnavailableError(message) from error
        finally:
            os.close(control_end)
            os.close(reports_end)

    def look_for(self, over_ns: int) -> int:
        """Have it report holds of that many ns; return when it began, ns."""
        answer = self._ask(over_ns)
        self.sampler_pid = answer["pid"]
        if answer["error"] and not self._is_tracer:
            # Yama: only who is named may read.
            self._allow(self.sampler_pid)
            self._is_tracer = True
            answer = self._ask(over_ns)
        if answer["version"] != sys.hexversion:
            message = (
                f"the watcher expected {sys.executable!r} to be Python "
                f"{sys.hexversion:#x}, got {answer['version']:#x}"
            )
            raise WatchUnavailableError(message)
        if answer["error"]:
            message = (
                "the watcher may not read this process's memory: /proc/PID/mem: "
                f"{answer['error']}{describe_limits()}"
            )
            raise WatchUnavailableError(message)
        return int(answer["now_ns"])

    def _ask(self, over_ns: int) -> dict[str, Any]:
        self.send(f"over {over_ns}")
        end = time.monotonic() + ANSWER_TIMEOUT_S
        while (report := self.receive(max(end - time.monotonic(), 0))) is not None:
            if report["kind"] == "over":
                return report
        message = "the watcher's sampler did not answer"
        raise WatchUnavailableError(message)

    def send(self, command: str) -> None:
        """Send a command; see `Sampler.obey`."""
        self._control.write(f"{command}\n".encode())

    def receive(self, timeout_s: float | None = None) -> dict[str, Any] | None:
        """Return the next report; None if the sampler has ended or time is up."""
        while not self._lines:
            if timeout_s is not None:
                # Unlike select() it takes numbers of any size.
                poll = select.poll()
                poll.register(self._reports.number, select.POLLIN)
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
