"""What keeps the watcher from its work."""


class WatchUnavailableError(RuntimeError):
    """The watcher cannot work here; the text says which condition is not met."""
