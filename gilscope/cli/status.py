"""Exit statuses, and what ends in one."""

OK, WRONG, USAGE, UNSURE = 0, 1, 2, 3
# Not every system has it by name.
SIGPIPE = 13


class UsageError(Exception):
    """What the user asked for cannot be done; its text is one line."""
