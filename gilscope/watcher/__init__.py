"""Who holds the GIL in a running program? A package `watch` would hide the function."""
