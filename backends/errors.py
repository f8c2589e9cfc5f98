"""What can go wrong when a backend is chosen by name."""


class UnknownBackendError(LookupError):
    """No backend of that name is registered."""


class BackendNotBuiltError(ImportError):
    """The backend is known, but its native module is not there."""


class BackendLoadError(ImportError):
    """The backend is there, but loading it failed; the cause is kept."""
