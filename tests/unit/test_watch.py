"""The watcher on this process: what it names, what it refuses, what it leaves alone."""

import ctypes
import dataclasses
import json
import os
import subprocess
import sys
import sysconfig
import threading
import time
import types
from pathlib import Path

import pytest

import gilscope
from gilscope.watcher import offsets
from gilscope.watcher.attribute import find_function, read_source
from gilscope.watcher.collect import MAX_EVENTS, MAX_PLACES, HoldCollector
from gilscope.watcher.link import ANSWER_TIMEOUT_S
from gilscope.watcher.model import Frame, Hold, WatchReport
from gilscope.watcher.watch import Watch, watch
from tests.processes import wait_for_end

ROOT = Path(__file__).parent.parent.parent
LONG = list(range(300_000)) * 3


def can_watch():
    try:
        with watch():
            return True
    except gilscope.WatchUnavailableError:
        return False


needs_watch = pytest.mark.skipif(not can_watch(), reason="the watcher cannot work here")


def hold_for_long():
    return str(LONG)


def find_long(watched):
    return next((hold for hold in watched.holds if hold.text == "str(LONG)"), None)


def hold_until(watched, is_seen):
    """Hold as often as it takes: a sampler without a core sees nothing."""
    while not is_seen():
        hold_for_long()
        watched.sync()


def wait_for_last_report(watched):
    while not watched._has_ended:
        time.sleep(0.001)


@needs_watch
def test_a_hold_is_named_with_its_line_text_function_and_stack():
    with gilscope.watch() as watched:
        hold_until(watched, lambda: find_long(watched))
    hold = find_long(watched)
    line = hold_for_long.__code__.co_firstlineno + 1
    assert (hold.file, hold.line, hold.text) == (__file__, line, "str(LONG)")
    assert hold.function == "str"
    assert hold.thread == "MainThread"
    assert hold.stack[0] == Frame(__file__, line, "hold_for_long")
    assert hold.stack[1].function == hold_until.__name__
    assert 0.010 <= hold.longest_s <= hold.total_s


@needs_watch
def test_an_instruction_without_a_line_has_that_of_its_code():
    code = hold_for_long.__code__
    # Code 15 of Objects/locations.md, for up to eight instructions each.
    n_instructions = len(code.co_code) // 2
    table = b"\xff" * (n_instructions // 8) + bytes([0xF8 + n_instructions % 8])
    hold_without_lines = types.FunctionType(code.replace(co_linetable=table), globals())
    with watch() as watched:
        while not watched.holds:
            hold_without_lines()
            watched.sync()
    assert watched.holds[0].line == code.co_firstlineno
    assert watched.holds[0].text == "def hold_for_long():"


@needs_watch
def test_an_operator_has_no_function_and_a_thread_has_its_name():
    def multiply():
        number = 3**400_000
        _ = number * number

    by_text = {}
    with watch() as watched:
        while "number * number" not in by_text:
            thread = threading.Thread(target=multiply, name="multiplier")
            thread.start()
            thread.join()
            watched.sync()
            by_text = {hold.text: hold for hold in watched.holds}
    hold = by_text["number * number"]
    assert (hold.function, hold.thread) == (None, "multiplier")


@needs_watch
def test_python_code_and_sleep_are_not_reported():
    with watch() as watched:
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            pass
        time.sleep(0.1)
    assert watched.holds == ()
    assert watched.n_unresolved == 0


@needs_watch
def test_holds_at_one_place_are_counted_and_told_one_by_one():
    told = []
    watched = watch(on_hold=told.append).start()
    hold_until(watched, lambda: len(told) >= 3)
    report = watched.stop()
    hold = find_long(report)
    singles = [one for one in told if one.text == "str(LONG)"]
    assert hold.count == len(singles)
    assert len(singles) > 1
    assert hold.total_s == pytest.approx(sum(one.longest_s for one in singles))
    assert hold.longest_s == max(one.longest_s for one in singles)
    starts = [event.start_s for event in report.events]
    assert starts == sorted(starts)
    assert not report.is_cut_short
    assert not str(report).startswith("WatchReport(")


@needs_watch
def test_threads_without_a_native_id_leave_the_watch_alone(monkeypatch):
    # As eventlet.monkey_patch() has them.
    monkeypatch.setattr(threading, "enumerate", lambda: [object()])
    with watch() as watched:
        hold_until(watched, lambda: find_long(watched))
    assert not watched.report().is_cut_short
    assert find_long(watched).thread == "MainThread"


@needs_watch
def test_a_watch_ends_where_locks_were_replaced(monkeypatch):
    with watch() as watched:
        # Those of eventlet do not see who releases them in another thread.
        monkeypatch.setattr(threading, "_allocate_lock", None)
        watched.sync()
    monkeypatch.undo()
    assert not watched.report().is_cut_short


@needs_watch
def test_an_error_in_the_callback_does_not_end_the_watch(monkeypatch):
    errors = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    with watch(on_hold=lambda hold: 1 / 0) as watched:
        hold_until(watched, lambda: len(errors) > 1)
    assert sum(hold.count for hold in watched.holds) > 1
    assert {error.exc_type for error in errors} == {ZeroDivisionError}


@needs_watch
def test_an_error_in_the_callback_is_shown():
    program = (
        "import gilscope\n"
        "with gilscope.watch(on_hold=lambda hold: 1 / 0) as watched:\n"
        "    while not watched.holds:\n"
        "        str(list(range(1_000_000)))\n"
        "        watched.sync()\n"
        "print(watched.report().is_cut_short)\n"
    )
    done = run_python("-c", program)
    assert done.stdout == "False\n"
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@needs_watch
@pytest.mark.parametrize("wait", [Watch.sync, Watch.stop])
def test_a_callback_does_not_wait_for_itself(wait, monkeypatch):
    monkeypatch.setattr("gilscope.watcher.watch.ANSWER_TIMEOUT_S", 600)
    told = []
    watched = watch(on_hold=lambda _: told.append(wait(watched))).start()
    while not told:
        hold_for_long()
    watched.stop()
    wait_for_last_report(watched)
    assert not watched.report().is_cut_short


@needs_watch
def test_nothing_of_a_watch_stays_behind():
    files = len(list(Path("/proc/self/fd").iterdir()))
    with watch() as watched:
        pid = watched.sampler_pid
        assert Path(f"/proc/{pid}").exists()
        # It is nobody's child whom the program could wait for.
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
    wait_for_end(pid)
    assert len(list(Path("/proc/self/fd").iterdir())) == files


@needs_watch
def test_the_loss_of_the_sampler_is_told():
    with watch() as watched:
        os.kill(watched.sampler_pid, 9)
        wait_for_last_report(watched)
    assert watched.report().is_cut_short


@needs_watch
def test_a_watch_that_cannot_take_in_a_hold_is_cut_short(monkeypatch):
    """It says so, and keeps nobody waiting."""
    told = threading.Event()
    monkeypatch.setattr(sys, "unraisablehook", lambda _: told.set())
    watched = watch().start()
    monkeypatch.setattr(watched, "_take_in", lambda report: report["no such thing"])
    # A busy machine may overlook a hold.
    while not watched._has_ended:
        ctypes.PyDLL(None).usleep(100_000)
    start_s = time.monotonic()
    watched.sync()
    assert watched.stop().is_cut_short
    assert time.monotonic() - start_s < ANSWER_TIMEOUT_S / 2
    assert told.wait(ANSWER_TIMEOUT_S)


@needs_watch
def test_a_file_that_took_the_place_of_a_pipe_is_left_alone(tmp_path):
    watched = watch().start()
    control = watched._link._control.number
    os.close(control)
    other = os.open(tmp_path / "mine", os.O_CREAT | os.O_RDWR)
    os.dup2(other, control)
    watched._link.send("stop")
    watched._is_stopping = True
    watched._link.close()
    assert os.fstat(control).st_size == 0
    os.close(control)
    os.close(other)


@needs_watch
def test_offsets_that_are_wrong_are_noticed(monkeypatch):
    minor = sys.version_info[:2]
    # The line of a function is then what counts the references to its code.
    wrong = dataclasses.replace(offsets.TABLE[minor], firstlineno=0)
    monkeypatch.setitem(offsets.TABLE, minor, wrong)
    monkeypatch.setattr("gilscope.watcher.watch.SELF_TEST_S", (0.010,))
    monkeypatch.setattr(offsets, "_WORDS", {})
    # What CPython publishes is not there either: nothing can be read at such places.
    with pytest.raises(gilscope.WatchUnavailableError, match=r"made itself|errno 5"):
        watch().start()


@needs_watch
def test_a_long_switch_interval_is_refused():
    before = sys.getswitchinterval()
    sys.setswitchinterval(100)
    try:
        with pytest.raises(gilscope.WatchUnavailableError, match="switch interval"):
            watch().start()
    finally:
        sys.setswitchinterval(before)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("sys.platform", "darwin", "darwin"),
        ("sys.version_info", (3, 10, 1), "knows CPython 3.11"),
        ("sys.version_info", (3, 99, 1), "knows CPython 3.11"),
        ("sys.byteorder", "big", "little-endian"),
        ("sysconfig.get_config_var", lambda name: 1, "free-threaded"),
        ("os.path.exists", lambda path: False, "schedstat"),
    ],
)
def test_what_is_not_known_is_refused_by_name(name, value, says, monkeypatch):
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: 0)
    monkeypatch.setattr(f"gilscope.watcher.offsets.{name}", value)
    with pytest.raises(gilscope.WatchUnavailableError, match=says):
        offsets.check_supported()


@pytest.mark.parametrize("over_s", [0, -1, float("nan"), float("inf")])
def test_a_threshold_is_over_zero(over_s):
    with pytest.raises(ValueError, match="over_s"):
        watch(over_s)


def test_a_watch_runs_once():
    watched = Watch()
    with pytest.raises(RuntimeError, match="not started"):
        watched.stop()


# Denies pread64 (number 17 on x86-64) from 4 MiB on, where a process has its memory, in
# this process and its children.
FORBID = """
import ctypes, struct
code = [
    (0x20, 0, 0, 0), (0x15, 0, 5, 17),
    (0x20, 0, 0, 44), (0x15, 0, 2, 0), (0x20, 0, 0, 40), (0x35, 0, 1, 0x400000),
    (6, 0, 0, 0x50001), (6, 0, 0, 0x7FFF0000),
]
program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *c) for c in code))
class Filter(ctypes.Structure):
    _fields_ = [("n", ctypes.c_ushort), ("code", ctypes.c_void_p)]
filter = Filter(len(code), ctypes.addressof(program))
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(filter), 0, 0) == 0
"""


@needs_watch
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86-64")
def test_a_filter_of_system_calls_is_named():
    program = FORBID + "import gilscope; gilscope.watch().start()"
    done = run_python("-c", program)
    last = done.stderr.strip().splitlines()[-1]
    assert "WatchUnavailableError" in last
    assert "seccomp" in last
    assert done.returncode == 1


@needs_watch
def test_a_program_that_forks_goes_on_without_the_watch():
    program = """
import os, sys, gilscope
with gilscope.watch() as watched:
    pid = os.fork()
    if not pid:
        # The copy leaves the watch as well.
        watched.stop()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    while not watched.holds:
        str(list(range(1_000_000)))
        watched.sync()
print(watched.report().is_cut_short)
"""
    # CPython 3.12 and newer warn of a fork beside threads.
    done = run_python("-W", "ignore::DeprecationWarning", "-c", program)
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout == "False\n"


def run_python(*arguments):
    return subprocess.run(
        (sys.executable, *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "types", "function"),
    [
        ("json.dumps(x)", {}, "json.dumps"),
        ("sorted(x)", {}, "sorted"),
        ("os.path.join(x)", {}, "posixpath.join"),
        ("Path(x)", {}, f"{Path.__module__}.Path"),
        ("LONG.count(1)", {}, "list.count"),
        ("', '.join(x)", {}, "str.join"),
        ("x.sort()", {"x": "list"}, "list.sort"),
        ("pattern.match(x)", {"pattern": "re.Pattern"}, "re.Pattern.match"),
        ("dumps(x)", {"dumps": "dumps()"}, "dumps"),
        ("encode(x)", {"encode": "_json.Encoder"}, "_json.Encoder.__call__"),
        # These cannot be known.
        ("dumps(x)", {"dumps": "function"}, None),
        ("dumps.x()", {"dumps": "dumps()"}, None),
        ("x.y.z()", {"x": "list"}, None),
        ("x.y()", {"x": "module"}, None),
        ("x.y()", {"x": ""}, None),
        ("x[0]()", {}, None),
        ("nobody(x)", {}, None),
        ("a + b", {}, None),
        ("not source", {}, None),
        ("", {}, None),
    ],
)
def test_a_function_is_named_where_it_can_be_known(text, types, function):
    assert find_function(text, __file__, types) == function


@pytest.mark.parametrize(
    ("file", "function"), [(__file__, "list.count"), ("script.py", "str.count")]
)
def test_a_main_module_without_a_file_is_asked_last(file, function, monkeypatch):
    main = types.ModuleType("__main__")
    main.LONG = "of a script that has ended"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert find_function("LONG.count(1)", file, {}) == function


class Pretender:
    """Says that it is a module, as cffi's libraries do."""

    __class__ = types.ModuleType


def test_what_only_says_that_it_is_a_module_is_passed_over(monkeypatch):
    monkeypatch.setitem(sys.modules, "pretender", Pretender())
    assert find_function("LONG.count(1)", __file__, {}) == "list.count"


@pytest.mark.parametrize(
    ("position", "text"),
    [
        ([1, 1, 4, 9], "f(é)"),
        ([2, 4, 0, 1], "g( 1, )"),
        ([1, 1, None, None], "x = f(é)"),
        ([None, None, None, None], ""),
        ([9, 9, 0, 1], ""),
    ],
)
def test_source_is_read_by_its_columns_in_bytes(position, text, tmp_path):
    file = tmp_path / "module.py"
    file.write_text("x = f(é)\ng(\n    1,\n)\n", encoding="utf-8")
    assert read_source(str(file), position) == text


def make_hold(line=1, longest_s=0.02, count=1):
    return Hold("f.py", line, "f()", None, (), "t", count, longest_s, longest_s)


def test_a_place_keeps_its_longest_hold_and_the_sum():
    collector = HoldCollector(0.01)
    for longest_s in (0.02, 0.05, 0.03):
        collector.add(make_hold(longest_s=longest_s), 0)
    (hold,) = collector.get_holds()
    assert (hold.count, hold.longest_s) == (3, 0.05)
    assert hold.total_s == pytest.approx(0.1)


def test_memory_is_bounded_and_the_worst_is_kept():
    collector = HoldCollector(0.01)
    n_holds = max(MAX_PLACES, MAX_EVENTS) + 50
    for line in range(n_holds):
        collector.add(make_hold(line, 0.01 + line / 1000), line)
    report = collector.report()
    holds, events = report.holds, report.events
    assert (len(holds), len(events)) == (MAX_PLACES, MAX_EVENTS)
    assert holds[0].line == n_holds - 1
    assert min(event.line for event in events) == 50
    assert report.n_holds == n_holds


def test_a_report_survives_json():
    report = WatchReport(
        holds=(make_hold(),),
        events=(),
        n_holds=1,
        n_unresolved=0,
        over_s=0.01,
        duration_s=1.0,
        is_cut_short=False,
        python="3.11.7",
    )
    assert WatchReport.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["holds"][0]["line"] == 1
