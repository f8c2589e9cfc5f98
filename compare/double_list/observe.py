"""What one call did, against what the reference does with the same."""

import builtins
import re
import time
from collections.abc import Callable
from typing import Any

from backends import DoubleList, contract
from backends.reference import double_list as double_list_reference
from compare.double_list.cases import Call
from compare.double_list.objects import Interrupt
from compare.work import TEXT_LENGTH, shorten

# Stamps of a trace: enter, kernel_start, kernel_end, acquired, exit (1.9).
N_STAMPS = 5
# A sleep may be that much shorter than asked for: clocks have ticks.
SLEEP_TOLERANCE = 0.99

# Clause 1.10: these are the same in every backend, all others are the binding's own.
SENTENCES = (
    contract.INDEX_OUTSIDE,
    contract.PASSES_TOO_FEW,
    contract.SECONDS_OUTSIDE,
    contract.DOUBLE_TOO_LARGE,
)
_PATTERNS = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(text)) for text in SENTENCES]
_SENTENCE = re.compile("|".join(_PATTERNS))
_ITEM_NOTE = contract.ITEM_NOTE.partition("{")[0]


def check_case(
    double_list: DoubleList, name: str, make: Callable[[], Call]
) -> str | None:
    """Return how the backend's call differs from the reference's, None if not."""
    expected = observe(double_list_reference, make())
    fault = find_difference(expected, observe(double_list, make()))
    return f"{name}: {fault}" if fault else None


def find_difference(expected: dict[str, str], got: dict[str, str]) -> str | None:
    """Return how an outcome differs from that of the reference, None if not."""
    for name, wanted in expected.items():
        if name == "text" and not _SENTENCE.fullmatch(wanted):
            continue
        if got[name] != wanted:
            text = got["text"]
            because = f" ({text})" if name == "error" and text else ""
            return f"{name}: {describe_difference(wanted, got[name])}{because}"
    return None


def describe_difference(expected: str, got: str) -> str:
    """Return both texts, from shortly before the first difference on."""
    pairs = enumerate(zip(expected, got, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), 0)
    start = max(0, same - TEXT_LENGTH // 2)
    dots = "..." if start else ""
    shown = [shorten(f"{dots}{text[start:]}") for text in (expected, got)]
    return f"expected {shown[0]}, got {shown[1]}"


def observe(double_list: DoubleList, call: Call) -> dict[str, str]:
    """Make the call and describe everything that it could have changed."""
    options = {"trace": ["before"], **call.options}
    trace = options["trace"]
    start_ns = time.perf_counter_ns()
    returned, error = None, None
    try:
        returned = double_list(call.values, call.result, call.index, **options)  # type: ignore[func-returns-value]
    except (Exception, Interrupt) as raised:  # noqa: BLE001 - all of them are compared.
        error = raised
    end_ns = time.perf_counter_ns()
    return {
        "error": name_error(error) if error else "no error",
        "text": shorten(str(error)) if error else "",
        "notes": ", ".join(read_item_notes(error)) or "none on an item",
        "returned": picture(returned),
        "values": picture(call.values),
        "result": picture(call.result),
        # A call that is refused does not sleep.
        "trace": describe_trace({} if error else options, trace, start_ns, end_ns),
    }


def name_error(error: BaseException) -> str:
    """Return the name of its type, which is a built-in one if it looks like that."""
    kind = type(error)
    name = kind.__name__
    if vars(builtins).get(name) is kind:
        return name
    return f"another {name} ({kind.__module__}.{kind.__qualname__})"


def read_item_notes(error: BaseException | None) -> list[str]:
    """Return those notes of an exception that name an item (1.2)."""
    notes = getattr(error, "__notes__", [])
    return [note for note in notes if str(note).startswith(_ITEM_NOTE)]


def picture(value: object, depth: int = 3) -> str:
    """Return a text in which only what is equal and of the same types looks equal."""
    kind = type(value)
    if kind in (int, str, float, type(None)):
        return repr(value)
    if isinstance(value, list | tuple) and depth:
        # Past whatever a subclass overrides.
        items = list.__iter__(value) if isinstance(value, list) else iter(value)
        text = ", ".join(picture(item, depth - 1) for item in items)
        return f"[{text}]" if kind is list else f"{kind.__name__}({text})"
    return f"a {kind.__name__}"


def describe_trace(
    options: dict[str, Any], trace: object, start_ns: int, end_ns: int
) -> str:
    """Return what became of the trace; all good ones read the same."""
    if trace is None:
        # The call has to be long enough for its sleeps.
        given = (options.get(name, 0) for name in ("released_sleep", "held_sleep"))
        asked_s = sum(seconds for seconds in given if isinstance(seconds, float))
        took_s = (end_ns - start_ns) / 1e9
        if took_s < asked_s * SLEEP_TOLERANCE:
            return f"a call of {took_s:.6f} s with sleeps of {asked_s:g} s"
        return "no trace"
    if not isinstance(trace, list):
        return picture(trace)
    *before, stamps = list.copy(trace) or ["before"]
    if before != ["before"] * len(before) or stamps == "before":
        return picture(trace)
    fault = find_trace_fault(stamps, start_ns, end_ns)
    fault = fault or find_short_sleep(stamps, options)
    return fault or f"{len(before)} before, one good entry after"


def find_short_sleep(
    stamps: tuple[int, int, int, int, int], options: dict[str, Any]
) -> str | None:
    """Return which sleep is shorter than asked for, by a good entry of the trace."""
    _, kernel_start, kernel_end, acquired, leave = stamps
    for name, slept_ns in (
        ("released_sleep", kernel_end - kernel_start),
        ("held_sleep", leave - acquired),
    ):
        asked = options.get(name, 0)
        if isinstance(asked, float) and slept_ns < asked * 1e9 * SLEEP_TOLERANCE:
            return f"{name} of {slept_ns / 1e9:.6f} s instead of {asked:g} s"
    return None


def find_trace_fault(stamps: object, start_ns: int, end_ns: int) -> str | None:
    """Return what is wrong with an entry of a trace, None if nothing is (1.9)."""
    if type(stamps) is not tuple or [*map(type, stamps)] != [int] * N_STAMPS:
        return f"not a tuple of {N_STAMPS} ints: {shorten(picture(stamps))}"
    if sorted(stamps) != list(stamps):
        return f"stamps not in the order of time: {picture(stamps)}"
    if not (start_ns <= stamps[0] and stamps[-1] <= end_ns):
        return (
            f"stamps not on the clock of perf_counter_ns(): {picture(stamps)} "
            f"outside {start_ns} to {end_ns}"
        )
    return None
