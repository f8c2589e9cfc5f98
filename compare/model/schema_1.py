"""Reports of schema 1, as gilscope 0.1 wrote them, in the form of today."""

from collections.abc import Mapping
from typing import Any

# What has another name now, wherever it stands.
RENAMED = {
    "course": "concurrency",
    "n": "size",
    "n_values": "size",
    "held_share": "held_fraction",
}
CONCURRENCY = {"at once": "parallel", "in turns": "serialized"}
RANGE = "_range"
# Of a speed as a share of that alone, where nothing tells more.
ANY_SHARE = 0.0, 1.0


def convert_report(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a report of schema 1 under their names of today.

    Args:
        content: as JSON gave it; what is wrong in it stays wrong.

    Returns:
        The same, with fields that are there no more left in.
    """
    converted: dict[str, Any] = convert(content)
    rows = converted.get("backends")
    for row in rows if isinstance(rows, list) else ():
        for scenario, change in (
            ("parallel", convert_parallel),
            ("contention", convert_contention),
            ("gil", convert_gil),
            ("sweep", convert_sweep),
        ):
            found = row.get(scenario) if isinstance(row, dict) else None
            if isinstance(found, dict):
                row[scenario] = change(found)
    return converted


def convert(content: Any) -> Any:
    """Rename fields, and put each figure together with its range."""
    if isinstance(content, list):
        return [convert(item) for item in content]
    if not isinstance(content, dict):
        return content
    converted = {}
    for name, value in content.items():
        ends = content.get(name + RANGE)
        new = RENAMED.get(name, name)
        if name == "build_info":
            converted[name] = value
        elif isinstance(ends, list) and len(ends) == len(ANY_SHARE):
            converted[new] = {"value": value, "low": ends[0], "high": ends[1]}
        elif new == "concurrency":
            converted[new] = CONCURRENCY.get(str(value), value)
        elif not name.endswith(RANGE):
            converted[new] = convert(value)
    return converted


def convert_parallel(found: dict[str, Any]) -> dict[str, Any]:
    """Make a row of the control, the two threads that held the GIL."""
    alone_s, speedup = found.get("solo_s"), found.get("held_speedup")
    if not (isinstance(alone_s, float) and isinstance(speedup, dict)):
        return found
    value = speedup.get("value")
    held = {
        "threads": 2,
        "wall_s": alone_s / value if isinstance(value, float) and value else alone_s,
        "speedup": speedup,
        "overlap": found.get("held_overlap"),
        "concurrency": CONCURRENCY.get(str(found.get("held_course")), "unclear"),
        "effective_cores": None,
    }
    return {**found, "alone_s": alone_s / 2, "held": held}


def convert_contention(found: dict[str, Any]) -> dict[str, Any]:
    """Give the speeds of the busy thread the range that is certain."""
    rows = found.get("rows")
    for row in rows if isinstance(rows, list) else ():
        for old, new in (
            ("partner_speed", "busy_thread_speed"),
            ("partner_speed_held", "busy_thread_speed_held"),
        ):
            value = row.get(old) if isinstance(row, dict) else None
            if isinstance(value, int | float):
                low, high = ANY_SHARE
                row[new] = {"value": value, "low": low, "high": max(high, value)}
    return found


def convert_gil(found: dict[str, Any]) -> dict[str, Any]:
    """Convert both of its checks."""
    return {
        name: convert_check(value)
        if name.endswith("check") and isinstance(value, dict)
        else value
        for name, value in found.items()
    }


def convert_check(found: dict[str, Any]) -> dict[str, Any]:
    """Make figures of the two that had no range, and rename the counts."""
    converted = dict(found)
    share, hold_s = found.get("released_fraction"), found.get("longest_hold_s")
    if isinstance(share, int | float):
        low, high = ANY_SHARE if found.get("verdict") == "releases" else (share, share)
        converted["released_fraction"] = {"value": share, "low": low, "high": high}
    if isinstance(hold_s, int | float):
        converted["longest_hold"] = {"value": hold_s, "low": hold_s, "high": hold_s}
    if "calls" in found:
        converted["n_calls_made"] = found["calls"]
    evidence = found.get("evidence")
    if isinstance(evidence, dict):
        renamed = dict(evidence)
        for old, new in (
            ("n_calls_interrupted", "n_calls_split"),
            ("n_calls_entered", "n_calls_interrupted"),
        ):
            if old in evidence:
                renamed[new] = evidence[old]
        # It tells of windows only; all of them, and so of all calls, or of none.
        is_all = evidence.get("n_windows_released") == evidence.get("n_windows")
        renamed["n_released"] = evidence.get("n_calls", 0) if is_all else 0
        converted["evidence"] = renamed
    return converted


def convert_sweep(found: dict[str, Any]) -> dict[str, Any]:
    """Give times alone the range that they were kept without, and name the places."""
    cells = found.get("cells")
    for cell in cells if isinstance(cells, list) else ():
        for old, new in (
            ("alone_released_s", "alone_s"),
            ("alone_held_s", "alone_held_s"),
        ):
            value = cell.get(old) if isinstance(cell, dict) else None
            if isinstance(value, int | float):
                cell[new] = {"value": value, "low": value, "high": value}
    break_evens = found.get("break_evens")
    for item in break_evens if isinstance(break_evens, list) else ():
        kernel_s = item.get("kernel_s") if isinstance(item, dict) else None
        if kernel_s is not None:
            item["pays_from"] = {**item, "alone_s": kernel_s}
    return found
