"""The contract's cases, each against the reference, and the property tests.

A failure is one sentence: the clause, what was special about the call, what was
expected and what came.
"""

from functools import partial

from backends import Backend
from compare.double_list.cases import CASES
from compare.double_list.observe import check_case
from compare.double_list.properties import LONG_PROPERTIES, PROPERTIES
from compare.double_list.settings import allow_imports, check_settings, read_settings
from compare.model import Correctness
from compare.scenarios import Options

# A wrong backend fails most of the cases; its first failures tell enough.
N_FAILURES_KEPT = 20


def run(backend: Backend, options: Options) -> Correctness:
    """Put the backend through the cases and the property tests.

    Raises:
        BaseException: a plain call raised, so that there is nothing to compare.
    """
    double_list = backend.double_list
    settings = read_settings()
    double_list([1, 2, 3], [None, None], 1)
    settings = allow_imports(settings)
    checks = [partial(check_case, double_list, case) for case in CASES]
    properties = PROPERTIES if options.quick else (*PROPERTIES, *LONG_PROPERTIES)
    checks += [partial(check, double_list) for check in properties]
    checks.append(partial(check_settings, settings))
    failures: list[str] = []
    for check in checks:
        try:
            failure = check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure.
            failure = f"1.1 a call raised {type(error).__name__}: {error}"
        if failure:
            failures.append(failure)
    kept = tuple(failures[:N_FAILURES_KEPT])
    return Correctness(len(checks) - len(failures), len(failures), kept)
