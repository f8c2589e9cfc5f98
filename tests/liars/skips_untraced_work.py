"""A backend that does a tenth of its work where no trace could tell."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right


def double_list(*arguments: Any, **options: Any) -> None:
    """Do all passes only for a trace."""
    passes = options.get("passes")
    if options.get("trace") is None and type(passes) is int and passes > 1:
        options["passes"] = max(1, passes // 10)
    double_list_right(*arguments, **options)


backend = Backend("skips_untraced_work", double_list, releases_gil=False)
