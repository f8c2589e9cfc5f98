"""A backend that does a tenth of its work where no trace could tell."""

from typing import Any

from backends import Backend
from backends.reference import double_list as double_list_right

TOO_MANY = 2**40


def double_list(*arguments: Any, **options: Any) -> None:
    """Do all passes only for a trace."""
    passes = options.get("passes")
    # What is out of range is to be refused as it is.
    is_known = type(passes) is int and 1 < passes < TOO_MANY
    if options.get("trace") is None and is_known:
        options["passes"] = max(1, passes // 10)
    double_list_right(*arguments, **options)


backend = Backend("skips_untraced_work", double_list, releases_gil=False)
