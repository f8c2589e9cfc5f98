"""What does this call gain and cost? Alone, in threads, in processes, beside Python.

`import gilscope` imports this module, so that `gilscope.measure` is the function. All
that it needs is imported when it is called.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gilscope.check import check_callables

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
    check_callables("measure()", func, held=held, prepare=prepare)
    if sizes is not None and prepare is None:
        message = "measure() sizes: expected prepare= too, which makes their arguments"
        raise TypeError(message)
    from gilscope.probe.surroundings import describe_callable  # noqa: PLC0415
    from gilscope.timing.calls import PlainWork  # noqa: PLC0415
    from gilscope.timing.measuring import measure_works  # noqa: PLC0415

    def make_work(call: Callable[..., Any], size: int | None) -> PlainWork:
        return PlainWork(call, args, kwargs, prepare, size)

    return measure_works(
        describe_callable(func), make_work, (func, held), sizes, threads
    )
