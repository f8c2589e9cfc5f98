"""Processes that do not outlive the one that started them."""

import os
import signal
import sys

# Linux, prctl(2): send this signal when the parent dies.
PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Have this process killed when the one that started it dies, where Linux can."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - it is not there in every build of Python.

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        # It died before that was asked for.
        os._exit(1)
