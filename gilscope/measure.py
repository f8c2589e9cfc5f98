"""What does this call gain and cost? Alone, in threads, in processes, beside Python.

`import gilscope` imports this module, so that `gilscope.measure` is the function. All
that it needs is imported when it is called.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gilscope.measurement import Measurement


def measure(
    func: Callable[..., Any],
    /,
    *args: Any,
    threads: Sequence[int] = (2,),
    sizes: Sequence[int] | None = None,
    prepare: Callable[..., Any] | None = None,
    held: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> "Measurement":
    """Measure what `func(*args, **kwargs)` gains from threads and costs beside Python.

    Everything is measured in rounds, one after the other; a figure is the median of
    the rounds with the range of that median. Run-queue wait is left out of the times
    where the system tells it.

    Args:
        func: the callable.
        args: its arguments, the same ones for every call.
        threads: the numbers of threads, each with the same calls; as many processes
            stand beside them where the callable can be pickled.
        sizes: the sizes to measure at, at least one.
        prepare: without sizes, called before every call, outside of what is timed;
            what it returns, if not None, is the call's arguments: a tuple, or a tuple
            and a dict. With sizes, called with a size once for each thread and round;
            all calls of that round have these arguments.
        held: a twin that does the same and holds the GIL; with it, from which size
            releasing pays.
        kwargs: the callable's keywords. One that is named as a keyword of this function
            is given by `functools.partial(func, sizes=...)`.

    Returns:
        One row for each size, and from which size on what pays.

    Raises:
        TypeError, ValueError: an argument of this function is wrong.
        BaseException: whatever the callable raises.

    Source:
        docs/explanation/scenarios.md.
    """
    for name, value in (("func", func), ("held", held), ("prepare", prepare)):
        if not (callable(value) or (value is None and name != "func")):
            kind = type(value).__name__
            message = f"measure() {name}: expected a callable, got {kind}"
            raise TypeError(message)
    if sizes is not None and prepare is None:
        message = "measure() sizes: expected prepare= too, which makes their arguments"
        raise TypeError(message)
    import gilscope.render.measurement  # noqa: F401, PLC0415
    from gilscope.probe.surroundings import describe_callable  # noqa: PLC0415
    from gilscope.timing.calls import PlainWork  # noqa: PLC0415
    from gilscope.timing.measuring import measure_subjects  # noqa: PLC0415
    from gilscope.timing.rounds import MeasuredSubject  # noqa: PLC0415

    places = [None] if sizes is None else check_numbers("sizes", sizes, 0)
    subjects = [
        MeasuredSubject(
            size,
            PlainWork(func, args, kwargs, prepare, size),
            None if held is None else PlainWork(held, args, kwargs, prepare, size),
        )
        for size in places
    ]
    return measure_subjects(
        describe_callable(func), subjects, check_numbers("threads", threads, 1)
    )


def measure_statement(
    statement: str,
    setup: str = "pass",
    *,
    threads: Sequence[int] = (2,),
    sizes: Sequence[int] | None = None,
    held: str | None = None,
) -> "Measurement":
    """Measure a statement, as `measure` does a callable.

    Args:
        statement: as `python -m timeit` takes it.
        setup: what is run once before, in each process.
        threads: as in `measure`.
        sizes: the sizes to measure at; `{size}` in the statement, the setup and the
            twin stands for the size.
        held: a statement that does the same and holds the GIL.

    Raises:
        SyntaxError: one of them is no Python.
        ValueError: sizes without a `{size}` anywhere.
        BaseException: whatever one of them raises.
    """
    import gilscope.render.measurement  # noqa: F401, PLC0415
    from gilscope.timing.calls import StatementWork  # noqa: PLC0415
    from gilscope.timing.measuring import measure_subjects  # noqa: PLC0415
    from gilscope.timing.rounds import MeasuredSubject  # noqa: PLC0415

    if sizes is not None and "{size}" not in f"{statement}{setup}":
        message = "measure() sizes: expected {size} in the statement or the setup"
        raise ValueError(message)
    places = [None] if sizes is None else check_numbers("sizes", sizes, 0)
    subjects = [
        MeasuredSubject(
            size,
            StatementWork(statement, setup, size),
            None if held is None else StatementWork(held, setup, size),
        )
        for size in places
    ]
    return measure_subjects(statement, subjects, check_numbers("threads", threads, 1))


def check_numbers(name: str, numbers: Sequence[int], least: int) -> list[int]:
    """Return the numbers in their order, each once.

    Raises:
        TypeError, ValueError: they are no such numbers, or none at all.
    """
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int):
            message = f"measure() {name}: expected ints, got {type(number).__name__}"
            raise TypeError(message)
        if number < least:
            message = f"measure() {name}: expected at least {least}, got {number}"
            raise ValueError(message)
    if not numbers:
        message = f"measure() {name}: expected at least one, got none"
        raise ValueError(message)
    return sorted(set(numbers))
