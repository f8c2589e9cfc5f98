"""double_list as a contract, with what only it has: trace, sleeps and passes."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import backends
from backends import Backend
from backends.reference import double_list as double_list_reference
from compare.contract import Contract, ContractError, Function, Implementation
from compare.work import PASSES_MAX, ImplementationWork

# Small enough for both buffers to stay in the nearest cache of a core, so that cores do
# not share the way to memory; large enough for the kernel to be more than its loop.
N_VALUES = 1000

SHORT_SLEEP_S = 1e-4
LONG = 5_000

ADVICE = (
    "for a function of your own: gilscope check, gilscope measure, gilscope compare"
)

# So many times the work has to take at least so many times the CPU time.
WORK_FACTOR = 16
GROWTH_MIN = 4.0
# No call takes so much CPU time beside its kernel.
GROWTH_S = 0.25
# No call whose work does not grow takes so long, each of a few times.
LONG_S = 0.2
N_TRIES = 3


class DoubleListContract(Contract):
    """The built-in contract; see docs/reference/contract.md."""

    name = "double_list"
    sizes = (10, N_VALUES)
    reference = staticmethod(double_list_reference)
    keywords = frozenset(
        ("passes", "release_gil", "released_sleep", "held_sleep", "trace")
    )
    can_hand_off: ClassVar[bool] = True

    def make_arguments(self, size: int, seed: int) -> tuple[Any, ...]:
        """Return values that no other seed has, and a result with a place too many."""
        first = 10**9 + seed * size
        return list(range(first, first + size)), [None, None], 0

    def read_answer(self, arguments: tuple[Any, ...], returned: Any) -> Any:
        """Return all that the call could have changed."""
        values, result, _ = arguments
        return {"returned": returned, "values": values, "result": result}

    def load(self, target: str) -> Implementation:
        """Load a backend by its name or "module:attribute", if it is a double_list."""
        found = backends.get(target)
        try:
            signature = inspect.signature(found.double_list)
        except (TypeError, ValueError):
            # Not every binding tells; the first call then does.
            return adopt(found)
        try:
            signature.bind([], [], 0, **dict.fromkeys(self.keywords))
        except TypeError as error:
            message = f"{target} is not a double_list: {error}; {ADVICE}"
            raise ContractError(message) from error
        return adopt(found)

    def make_checks(
        self, implementation: Implementation, *, quick: bool
    ) -> list[Callable[[], str | None]]:
        """Return the contract's cases and the property tests."""
        # The processes that only call need none of them.
        from compare.double_list.cases import CASES  # noqa: PLC0415
        from compare.double_list.observe import check_case  # noqa: PLC0415
        from compare.double_list.properties import (  # noqa: PLC0415
            LONG_PROPERTIES,
            PROPERTIES,
        )
        from compare.double_list.settings import watch_settings  # noqa: PLC0415

        double_list = implementation.function
        check_settings = watch_settings()
        double_list([1, 2, 3], [None, None], 1)
        properties = PROPERTIES if quick else (*PROPERTIES, *LONG_PROPERTIES)
        return [
            *(partial(check_case, double_list, *case) for case in CASES.items()),
            *(partial(holds, double_list) for holds in properties),
            partial(check_growth, implementation, release_gil=True),
            partial(check_growth, implementation, release_gil=False),
            check_settings,
        ]

    def make_forms(
        self, implementation: Implementation, *, is_held: bool
    ) -> dict[str, Callable[[], object]]:
        """Return calls of many forms, each named by what is special about it."""
        from compare.double_list.objects import Number, OddList  # noqa: PLC0415

        few = list(range(10))

        def form(
            values: list[Any] = few, index: int = 0, **options: Any
        ) -> Callable[[], object]:
            if is_held:
                options["release_gil"] = False
            call: Function = implementation.function
            return partial(call, values, [None, None], index, **options)

        sleep_s = SHORT_SLEEP_S
        return {
            "of 10 values": form(trace=[]),
            f"of {LONG} values": form(list(range(LONG)), trace=[]),
            "of negative values": form(list(range(-100, 0)), trace=[]),
            "of large values": form(list(range(2**61, 2**61 + 100))),
            "without a trace": form(),
            "with an index from the end": form(index=-1, trace=[]),
            "of values by __index__": form([Number(1), True], trace=[]),
            "of a subclass of list": form(OddList(few), trace=[]),
            "with two passes": form(passes=2),
            "that sleeps shortly": form(released_sleep=sleep_s),
            "that sleeps twice": form(
                released_sleep=sleep_s, held_sleep=sleep_s, trace=[]
            ),
        }


def check_growth(implementation: Implementation, *, release_gil: bool) -> str | None:
    """Return how the work does not grow with `passes` (1.4).

    CPU time is what tells: a loaded machine does not lengthen it, and sleeping is no
    work. A factor of 16 has to be seen as at least 4 for some passes, which leaves room
    for all that does not grow, and for any noise. Work that another process does takes
    none here, and shows in the time of calls that are long.
    """
    work = ImplementationWork(implementation, N_VALUES, {"release_gil": release_gil})

    def measure(passes: int) -> tuple[float, float]:
        longer = work.with_options(passes=passes)
        walls = [longer.time_call() for _ in range(N_TRIES)]
        return min(wall.cpu_s for wall in walls), min(wall.seconds for wall in walls)

    most, most_s, least_s = 1, 0.0, 0.0
    while most < PASSES_MAX and most_s < GROWTH_S:
        most *= WORK_FACTOR
        (most_s, long_s), (least_s, short_s) = (
            measure(most),
            measure(most // WORK_FACTOR),
        )
        if most_s >= GROWTH_MIN * least_s and most_s > 0:
            return None
        if long_s >= max(LONG_S, GROWTH_MIN * short_s):
            return None
    return (
        f"1.4 passes, release_gil={release_gil}: expected {WORK_FACTOR} times the work "
        f"to take over {GROWTH_MIN:g} times the CPU time, got {least_s:.6f} s with "
        f"passes={most // WORK_FACTOR}, {most_s:.6f} s with passes={most}"
    )


def adopt(backend: Backend) -> Implementation:
    """Return a backend as an implementation of the contract."""
    return Implementation(
        backend.name,
        backend.double_list,
        CONTRACT,
        releases_gil=backend.releases_gil,
        technology=backend.technology,
        build_info=backend.build_info,
        target=backend.name,
    )


CONTRACT = DoubleListContract()
