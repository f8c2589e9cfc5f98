"""What Linux tells of processes, and waiting for their end."""

import time
from pathlib import Path


def find_children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in path.read_text().split()]
    return [child for child in found if not has_ended(child)]


def has_ended(pid: int) -> bool:
    """Return whether a process is gone, or waits only to be asked how it ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def wait_for_end(*pids: int) -> None:
    """Wait until all have ended; the suite limits how long that may take."""
    while not all(map(has_ended, pids)):
        time.sleep(0.01)
