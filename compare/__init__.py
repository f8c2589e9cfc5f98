"""Compare what binding technologies do to the GIL."""
