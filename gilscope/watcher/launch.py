"""Runs a program as `python` would, in a process of its own that watches itself.

`WatchedProgram` is the command's side. `begin` is the program's: the sitecustomize in
the folder `inject` calls it when the interpreter starts.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gilscope.channel import ROOT
from gilscope.guard import die_with_parent
from gilscope.kernel import parse_times
from gilscope.record import structure
from gilscope.watcher.attribute import make_hold
from gilscope.watcher.collect import HoldCollector
from gilscope.watcher.link import Pipe
from gilscope.watcher.model import Hold, WatchReport
from gilscope.watcher.offsets import WatchUnavailableError
from gilscope.watcher.watch import Watch, name_thread

INJECTED = Path(__file__).parent / "inject"
# How long the sampler may take to end after the program.
SAMPLER_END_S = 5.0
SIGNAL_POLL_S = 0.2
# What a process that only waits for others does not compute.
MIN_COMPUTED_NS = 200_000_000
# How far apart one signal may reach the processes that it was sent to.
GROUP_S = 0.05
# Those that are sent to this process are meant for the program.
FORWARDED = {
    signal.Signals[f"SIG{name}"]
    for name in ("INT", "QUIT", "TERM", "HUP", "USR2", "WINCH")
}
# It does nothing but stay in the process group of the command, and tell for each byte
# which signals came to it: who sent them sent them to the program as well.
NEIGHBOUR = """
import os, signal
while os.read(0, 1):
    found = 0
    while one := signal.sigtimedwait(signal.valid_signals(), 0):
        found |= 1 << one.si_signo
    os.write(1, found.to_bytes(16, "little"))
"""


class WatchedProgram:
    """A program that runs, and what was seen of it so far."""

    def __init__(
        self, words: Sequence[str], over_s: float, stdout: int | None = None
    ) -> None:
        """Start `python WORDS...`, with this process's input and output."""
        self.refusal = ""
        # Whether there was a program: of a module that is not there there is none.
        self.has_begun = True
        # Python processes that the program started: reloaders and servers have them.
        self.unwatched: set[int] = set()
        self._collector = HoldCollector(over_s)
        self._raw: deque[dict[str, Any]] = deque()
        self._named: deque[Hold] = deque()
        self._lock = threading.Lock()
        self._is_complete = False
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        self._neighbour = subprocess.Popen(  # noqa: S603 - it is this interpreter.
            (sys.executable, "-I", "-S", "-c", NEIGHBOUR),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raw, raw_end = os.pipe()
        named, named_end = os.pipe()
        for file in (raw_end, named_end):
            os.set_inheritable(file, True)  # noqa: FBT003 - it takes no keyword
        path = os.environ.get("PYTHONPATH")
        settings = {
            "over_s": over_s,
            "named": named_end,
            "raw": raw_end,
            "path": path,
            "root": ROOT,
            "command": os.getpid(),
        }
        self._process = subprocess.Popen(  # noqa: S603 - it is asked for
            (sys.executable, *words),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, (str(INJECTED), path))),
                "GILSCOPE_WATCH": json.dumps(settings),
            },
            stdout=stdout,
            # What the command was given is for the program: `<(...)` of a shell.
            close_fds=False,
        )
        os.close(raw_end)
        os.close(named_end)
        self._readers = [
            threading.Thread(target=self._read, args=(file,), daemon=True)
            for file in (raw, named)
        ]

    def wait(self, on_usr1: Callable[[], None]) -> int:
        """Wait for the program to end and return its status, minus that of a signal."""
        # They stay pending for sigtimedwait().
        watched = {*FORWARDED, signal.SIGUSR1, signal.SIGCHLD}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            for reader in self._readers:
                reader.start()
            while self._process.poll() is None:
                # CPython's answer is garbage where the wait was stopped beyond its end.
                found = signal.sigtimedwait(watched, SIGNAL_POLL_S)
                number = found.si_signo if found else 0
                if number == signal.SIGUSR1:
                    on_usr1()
                elif number in FORWARDED and not self._was_told(number):
                    self._process.send_signal(number)
                self._note_unwatched()
            self._neighbour.communicate()
            for reader in self._readers:
                # Processes that the program started may have the pipe for longer.
                reader.join(SAMPLER_END_S)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._collector.end_ns = time.monotonic_ns()
        self._collector.is_cut_short = not self._is_complete
        with self._lock:
            # The program could not tell their names any more.
            while self._raw:
                report = self._raw.popleft()
                name = name_thread(report["native_thread_id"], self._process.pid)
                hold = make_hold(report, name)
                self._collector.add(hold, report["start_ns"])
        return self._process.returncode

    def _note_unwatched(self) -> None:
        """Note which Python processes the program, and what it started, has now."""
        pids = [self._process.pid]
        for pid in pids:
            with contextlib.suppress(OSError):
                times = parse_times(Path(f"/proc/{pid}/schedstat").read_bytes())
                is_python = Path(f"/proc/{pid}/exe").samefile("/proc/self/exe")
                if pid != pids[0] and is_python and times.computing >= MIN_COMPUTED_NS:
                    self.unwatched.add(pid)
                children = Path(f"/proc/{pid}/task/{pid}/children").read_bytes()
                pids.extend(map(int, children.split()))

    def _was_told(self, number: int) -> bool:
        """Return whether a signal that came went to the whole process group.

        Ctrl-C in a terminal does, and what ends all processes of a service.
        """
        time.sleep(GROUP_S)
        assert self._neighbour.stdin
        assert self._neighbour.stdout
        with contextlib.suppress(OSError):
            self._neighbour.stdin.write(b"?")
            told = self._neighbour.stdout.read(16)
            return bool(int.from_bytes(told, "little") >> number & 1)
        return False

    def report(self) -> WatchReport:
        """Return what was seen so far."""
        return self._collector.report()

    def _read(self, file: int) -> None:
        """Take in what comes over a pipe, to its end."""
        with open(file, "rb") as lines:
            for line in lines:
                with self._lock:
                    self._take_in(json.loads(line))

    def _take_in(self, content: dict[str, Any]) -> None:
        """Take in a report of the sampler or of the program."""
        kind = content["kind"]
        if kind == "over":
            # The self test, which came before, is none of the program's.
            self._collector.start_ns = content["now_ns"]
            self._raw.clear()
            self._collector.n_unresolved = 0
        elif kind == "refused":
            self.refusal = content["reason"]
        elif kind == "absent":
            self.has_begun = False
        elif kind in ("stop", "gone"):
            self._is_complete = True
        elif kind == "named":
            self._named.append(structure(content["hold"], Hold))
        elif kind == "hold" and content["place"] is None:
            self._collector.n_unresolved += 1
        elif kind == "hold":
            self._raw.append(content)
        # The program names each hold that the sampler reports, in the same order.
        while self._raw and self._named:
            report = self._raw.popleft()
            self._collector.add(self._named.popleft(), report["start_ns"])


def begin(settings: Mapping[str, Any]) -> None:
    """Watch this process until it ends, and tell what was seen over a pipe."""
    # Who ends the command by SIGKILL, as time limits do, means the program.
    die_with_parent(settings["command"])
    for file in (settings["named"], settings["raw"]):
        os.set_inheritable(file, False)  # noqa: FBT003 - it takes no keyword
    named = Pipe(settings["named"])

    def tell(**content: Any) -> None:
        named.write(json.dumps(content).encode() + b"\n")

    def tell_hold(hold: Hold) -> None:
        tell(kind="named", hold=asdict(hold))

    watch = Watch(settings["over_s"], tell_hold, report_to=settings["raw"])
    try:
        watch.start()
    except WatchUnavailableError as error:
        tell(kind="refused", reason=str(error))
        # The program must not run without the watch that was asked for.
        os._exit(3)
    os.close(settings["raw"])

    def end() -> None:
        watch.stop()
        if sys.argv[:1] == ["-m"]:
            # Who runs a module replaces that by its file.
            tell(kind="absent")

    def leave() -> None:
        # A copy of the process may outlive it: the command does not wait for that.
        named.close()
        atexit.unregister(end)

    # First in, last out: what the program does at its end is watched too.
    atexit.register(end)
    os.register_at_fork(after_in_child=leave)
