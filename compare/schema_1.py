"""Reports of schema 1, as gilscope 0.1 wrote them, in the form of today."""

from typing import Any

# What has another name now, wherever it stands.
RENAMED = {
    "course": "concurrency",
    "n": "size",
    "n_values": "size",
    "held_share": "held_fraction",
    "calls": "n_calls_made",
    "n_calls_interrupted": "n_calls_split",
    "n_calls_entered": "n_calls_interrupted",
}
CONCURRENCY = {"at once": "parallel", "in turns": "serialized"}
# Times that were kept without a range, and their name of today.
TIMES = {
    "longest_hold_s": "longest_hold",
    "alone_released_s": "alone_s",
    "alone_held_s": "alone_held_s",
}
# Speeds of the busy thread by its speed alone. Their range is the one that is certain.
SPEEDS = {
    "partner_speed": "busy_thread_speed",
    "partner_speed_held": "busy_thread_speed_held",
}
NUMBER = int, float


def convert_report(content: Any) -> Any:
    """Return what JSON gave of a report of schema 1, under the names of today.

    What is wrong in it stays wrong, and fields that are there no more are left in.
    """
    if isinstance(content, list):
        return [convert_report(item) for item in content]
    if not isinstance(content, dict):
        return content
    found: dict[str, Any] = {}
    for name, value in content.items():
        new: str = RENAMED.get(name) or name
        ends = content.get(f"{name}_range")
        if name == "build_info":
            found[name] = value
        elif isinstance(ends, list) and len(ends) == 2:  # noqa: PLR2004
            found[new] = make_figure(value, *ends)
        elif name in TIMES and isinstance(value, NUMBER):
            found[TIMES[name]] = make_figure(value, value, value)
        elif name in SPEEDS and isinstance(value, NUMBER):
            found[SPEEDS[name]] = make_figure(value, 0.0, max(1.0, value))
        elif not name.endswith("_range"):
            found[new] = convert_report(value)
    return add_missing(found)


def add_missing(found: dict[str, Any]) -> dict[str, Any]:
    """Return an object with what it had in another form, or did not have."""
    for name in ("concurrency", "held_course"):
        if name in found:
            found[name] = CONCURRENCY.get(str(found[name]), found[name])
    share, alone_s = found.get("released_fraction"), found.get("solo_s")
    if isinstance(share, NUMBER):
        is_any = found.get("verdict") == "releases"
        ends = (0.0, 1.0) if is_any else (share, share)
        found["released_fraction"] = make_figure(share, *ends)
    if "n_windows_released" in found:
        # It tells of windows only; all of them, and so of all calls, or of none.
        is_all = found["n_windows_released"] == found.get("n_windows")
        found["n_released"] = found.get("n_calls", 0) if is_all else 0
    if "held_speedup" in found and isinstance(alone_s, NUMBER):
        # A row of the control, the two threads that held the GIL.
        speedup = found["held_speedup"]
        value = speedup.get("value") if isinstance(speedup, dict) else None
        found["alone_s"] = alone_s / 2
        found["held"] = {
            "threads": 2,
            "wall_s": alone_s / value
            if isinstance(value, NUMBER) and value
            else alone_s,
            "speedup": speedup,
            "overlap": found.get("held_overlap"),
            "concurrency": found.get("held_course", "unclear"),
            "effective_cores": None,
        }
    if "case" in found and found.get("kernel_s") is not None:
        found["pays_from"] = {**found, "alone_s": found["kernel_s"]}
    return found


def make_figure(value: Any, low: Any, high: Any) -> dict[str, Any]:
    """Return a figure with its range."""
    return {"value": value, "low": low, "high": high}
