"""A quick part of the table of known callables; the script judges all of it."""

import sys
import sysconfig

import pytest

from benchmarks.known_callables import make_known
from tests.looks import check_clearly

HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED") or sys._is_gil_enabled()
# Without those that tests/unit/test_check.py has.
QUICK = (
    "sha256 small",
    "zlib.compress",
    "json.loads, hook",
    "re.findall",
    "re.sub, function",
    "sorted, key in Python",
    "os.stat",
    "sendall and recv",
    "sqlite3",
    "pow",
    "generator",
    "recursion",
    "release, then hold",
    "hold, then release",
    "np.sort",
    "np.tolist",
)

table = list(make_known())
known = {each.name: each for each in table}


def test_the_table_is_large_and_each_name_stands_for_one_of_it():
    assert len(known) == len(table) >= 40
    assert {each.verdict for each in known.values()} == {
        "releases",
        "preemptible",
        "holds",
    }


@pytest.mark.skipif(not HAS_GIL, reason="there is no GIL to hold here")
@pytest.mark.parametrize("name", QUICK)
def test_a_callable_of_the_table_is_judged_rightly(name):
    if name not in known:
        pytest.skip("numpy is missing")
    found = check_clearly(known[name].call)
    assert found.verdict == known[name].verdict, str(found)
