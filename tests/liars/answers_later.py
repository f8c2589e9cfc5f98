"""A backend that looks quick: it returns at once and answers from another thread."""

import threading
from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Leave the work to somebody else."""
    threading.Thread(
        target=double_list_right, args=arguments, kwargs=options, daemon=True
    ).start()


backend = Backend("answers_later", double_list, releases_gil=False)
