"""A backend that never returns and has taken away its process's own time limit."""

import faulthandler
import time
from typing import Any

from backends import Backend


def double_list(*arguments: Any, **options: Any) -> None:
    """Sleep without anybody to wake up."""
    faulthandler.cancel_dump_traceback_later()
    time.sleep(3600)


backend = Backend("hangs_for_good", double_list, releases_gil=False)
