"""A backend that starts a process with a session of its own and leaves it behind."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

STARTED: list[Any] = []


def double_list(*arguments: Any, **options: Any) -> None:
    """Start a process the first time, note its number, answer."""
    if not STARTED:
        command = [sys.executable, "-c", "import time; time.sleep(3600)"]
        STARTED.append(subprocess.Popen(command, start_new_session=True))
        note = os.environ.get("LEFT_PID_FILE")
        if note:
            Path(note).write_text(str(STARTED[0].pid))
    double_list_right(*arguments, **options)


backend = Backend("leaves_process", double_list, releases_gil=False)
