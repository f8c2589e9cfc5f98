"""A backend that leaves a process behind which has nothing of its parent."""

import os
import subprocess
from pathlib import Path
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Start a daemon the first time, note its number, answer."""
    note = os.environ.get("LEFT_PID_FILE")
    if note and not Path(note).exists():
        # The shell ends at once, and what it started belongs to nobody then.
        command = ["/bin/sh", "-c", f"sleep 3600 & echo $! > {note}"]
        subprocess.run(
            command,
            check=True,
            env={},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    double_list_right(*arguments, **options)


backend = Backend("leaves_daemon", double_list, releases_gil=False)
