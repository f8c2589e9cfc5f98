"""Figures with their units, in words."""


def describe_time(seconds: float | None) -> str:
    """Return a duration in the unit that suits it."""
    if seconds is None:
        return ""
    rounded = float(f"{seconds:.3g}")
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if rounded >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def describe_share(share: float | None) -> str:
    """Return a share of the call in per cent."""
    return "" if share is None else f"{share:.1%} of the call"
