"""Work that is timed and checked, and the figures made from it."""
