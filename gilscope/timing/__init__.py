"""How calls are timed: alone, in threads, in processes, beside a busy thread."""
