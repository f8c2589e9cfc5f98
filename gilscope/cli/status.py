"""Exit statuses, and what ends in one."""

OK, WRONG, USAGE, UNSURE = 0, 1, 2, 3
# As a shell reports a command that a signal ended.
SIGNALLED = 128
# Not every system has it by name.
SIGPIPE = 13


class UsageError(Exception):
    """What the user asked for cannot be done; its text is one line."""
