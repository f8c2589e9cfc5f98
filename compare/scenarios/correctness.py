"""The contract's cases, each against the reference called with the same, and the laws.

A failure is one sentence: the clause, what was special about the call, what was
expected and what came.
"""

from functools import partial

from backends import Backend
from compare.double_list.cases import CASES
from compare.double_list.laws import LAWS, LONG_LAWS
from compare.double_list.laws.settings import (
    allow_imports,
    check_settings,
    read_settings,
)
from compare.double_list.outcome import check_case
from compare.model import Correctness
from compare.scenarios import Options

# A wrong backend fails most of the cases; its first failures tell enough.
N_FAILURES_KEPT = 20


def run(backend: Backend, options: Options) -> Correctness:
    """Put the backend through the cases and the laws.

    Raises:
        BaseException: a plain call raised, so that there is nothing to compare.
    """
    double_list = backend.double_list
    settings = read_settings()
    double_list([1, 2, 3], [None, None], 1)
    settings = allow_imports(settings)
    checks = [partial(check_case, double_list, case) for case in CASES]
    laws = LAWS if options.quick else (*LAWS, *LONG_LAWS)
    checks += [partial(law, double_list) for law in laws]
    checks.append(partial(check_settings, settings))
    failures: list[str] = []
    for check in checks:
        try:
            failure = check()
        except Exception as error:
            if not failures:
                raise
            # A backend that spoils its own later calls has been found wrong before.
            failure = f"then a call raised {type(error).__name__}: {error}"
        if failure:
            failures.append(failure)
    kept = tuple(failures[:N_FAILURES_KEPT])
    return Correctness(len(checks) - len(failures), len(failures), kept)
