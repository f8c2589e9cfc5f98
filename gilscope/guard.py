"""A process that does not outlive the one that started it, where Linux can see to it.

Source:
    prctl(2): PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

POLL_S = 0.001

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(
    parent_pid: int, number: signal.Signals = signal.Signals.SIGKILL
) -> None:
    """Have this process get a signal when the one that started it dies."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent_pid:
        # It died before that was asked for.
        os._exit(1)


def go_on_in_child(parent_pid: int) -> None:
    """Go on in a child, and stay behind to end whatever that one leaves.

    All its descendants become children of this process as soon as their own parents
    are gone, whatever they did to their session and environment. They are ended when
    the child has ended, or when this process is told to by SIGTERM, which it also gets
    when its own parent dies. It then ends as the child did.
    """
    if sys.platform != "linux":
        return
    told = {signal.SIGTERM}
    # A signal that comes before there is a child waits until there is one.
    signal.pthread_sigmask(signal.SIG_BLOCK, told)
    die_with_parent(parent_pid, signal.SIGTERM)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    own_pid = os.getpid()
    child_pid = os.fork()
    if child_pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, told)
        die_with_parent(own_pid)
        return

    def end_child(*_: object) -> None:
        # It may have ended just before, and have been waited for.
        with suppress(ProcessLookupError):
            os.kill(child_pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end_child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, told)
    _, status = os.waitpid(child_pid, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_children()
    end_like(os.waitstatus_to_exitcode(status))


def end_children() -> None:
    """Kill the children of this process, and theirs when they become its own."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with suppress(OSError):
        while True:
            # While some of them end, others may be left out.
            for pid in children.read_text(encoding="ascii").split():
                os.kill(int(pid), signal.SIGKILL)
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
            time.sleep(POLL_S)


def end_like(exit_code: int) -> None:
    """End this process with an exit status, or a signal where it is negative."""
    if exit_code < 0:
        import resource  # noqa: PLC0415 - it is not there on every system.

        # The child has dumped its core, if anybody wants that.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    os._exit(abs(exit_code))
