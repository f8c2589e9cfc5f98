"""A backend that starts a process with a session of its own and leaves it behind."""

import subprocess
import sys
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

STARTED: list[Any] = []
SLEEP = "import time; time.sleep(3600)"


def double_list(*arguments: Any, **options: Any) -> None:
    """Start a process, then answer."""
    if not STARTED:
        STARTED.append(
            subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
        )
    double_list_right(*arguments, **options)


backend = Backend("leaves_process", double_list, releases_gil=False)
