"""How the results of the harness are shown."""

from compare.render import comparisons, sections  # noqa: F401 - say how.
