"""The commands of the harness: run, demo, list, sweep, diff."""
