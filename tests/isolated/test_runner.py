"""Whatever a backend does to its process is one row; the others are whole."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import backends
from backends import Backend, UnknownBackendError
from backends.reference import double_list
from compare import Progress, Report, run_all
from compare.model import BackendResult
from compare.plan import make_plan, plan_job, plan_jobs
from compare.run import run_plan
from gilscope.process import explain_end
from tests.looks import try_limits
from tests.processes import find_children, has_ended, wait_for_end

ROOT = Path(__file__).parents[2]


def run(name: str, *scenarios: str, timeout_s: float = 120.0) -> BackendResult:
    """Return the row of one faulty backend."""
    name = f"tests.faulty_backends:{name}"
    report = run_all(
        [name], scenarios=scenarios or ["handoff"], quick=True, timeout_s=timeout_s
    )
    assert report[name].name == name
    assert not report.ok or report[name].status == "ok"
    return report[name]


# --- How a process can end ------------------------------------------------------------


def test_what_was_completed_before_a_crash_is_kept() -> None:
    """A backend that dies in its second scenario keeps the result of the first."""
    row = run("aborts_when_it_sleeps", "correctness", "handoff")
    assert row.status == "crashed"
    assert row.reason.startswith("handoff ended with SIGABRT")
    assert row.correctness is not None
    assert row.correctness.passed > 0
    assert row.handoff is None


def test_the_other_rows_are_whole() -> None:
    """A crash, a hang and an exception between two good backends disturb neither."""
    faulty = [
        f"tests.faulty_backends:{name}" for name in ("aborts", "hangs_held", "raises")
    ]
    names = ["python", *faulty, "backends.reference:double_list"]

    def look(limit_s: float) -> Report:
        return run_all(names, scenarios=["handoff"], quick=True, timeout_s=limit_s)

    # A limit that is too short for a machine ends good backends as well.
    report = try_limits(
        lambda found: sum(row.status == "timeout" for row in found) == 1, look
    )
    assert [row.name for row in report] == names
    assert [row.status for row in report] == [
        "ok",
        "crashed",
        "timeout",
        "failed",
        "ok",
    ]
    assert report.asked == tuple(names)
    assert not report.ok


@pytest.mark.parametrize(
    ("exit_code", "timeout_s", "status", "reason"),
    [
        (None, 3.0, "timeout", "gil had not ended after 3 s\nThread"),
        (1, 3.0, "timeout", "gil had not ended after 3 s\nThread"),
        (1, None, "crashed", "gil ended the process with exit status 1\nThread"),
        (-9, None, "crashed", "gil ended with SIGKILL\n"),
        (-64, None, "crashed", "gil ended with SIGRTMAX\n"),
        (-99, None, "crashed", "gil ended with signal 99\n"),
    ],
)
def test_an_end_without_a_word_is_explained(
    exit_code: int | None, timeout_s: float | None, status: str, reason: str
) -> None:
    """Exit status, signal and stack are put into words; so is what was written."""
    found = explain_end("gil", exit_code, timeout_s, "Thread", "last words")
    assert found[0] == status
    assert found[1].startswith(reason)
    assert (status == "timeout") != found[1].endswith("standard error: last words")


# --- What a backend writes and leaves behind ------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells environments")
@pytest.mark.parametrize("name", ["leaves_process", "leaves_daemon"])
def test_a_process_left_behind_is_ended(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A descendant with a session of its own, and nobody's child, is ended too."""
    note = tmp_path / "pid"
    monkeypatch.setenv("LEFT_PID_FILE", str(note))
    assert run(name).status == "ok"
    assert has_ended(int(note.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent's death signal")
def test_nothing_outlives_a_comparison_that_was_killed(tmp_path: Path) -> None:
    """Killed in the midst of it, it can clean up nothing itself."""
    note = tmp_path / "pid"
    code = (
        "from compare import run_all\n"
        "def tell(step):\n"
        "    if step.scenario == 'handoff': print('x', flush=True)\n"
        "names = ['tests.faulty_backends:leaves_daemon']\n"
        "run_all(names, scenarios=['correctness', 'handoff'], progress=tell)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LEFT_PID_FILE": str(note)},
        stdout=subprocess.PIPE,
    ) as comparison:
        assert comparison.stdout is not None
        assert comparison.stdout.read(1) == b"x"
        left = [int(note.read_text()), *find_children(comparison.pid)]
        comparison.kill()
    assert len(left) == 2
    wait_for_end(*left)


def test_what_a_backend_replaces_is_not_used_by_its_worker() -> None:
    """It replaces functions of json and os; its row and the next one are whole."""
    names = ["tests.faulty_backends:patches_json", "python"]
    report = run_all(names, scenarios=["correctness"], quick=True)
    for row in report:
        assert (row.status, row.reason) == ("ok", "")
        assert row.correctness is not None
        assert row.correctness.passed > 100


def test_a_worker_that_was_doubled_tells_everything_once() -> None:
    """A forked child does not go on as a second worker."""
    steps: list[Progress] = []
    run_all(
        ["tests.faulty_backends:forks"],
        scenarios=["handoff", "gil"],
        quick=True,
        progress=steps.append,
    )
    assert [(step.scenario, step.state) for step in steps] == [
        (None, "running"),
        ("handoff", "running"),
        ("gil", "running"),
        (None, "ok"),
    ]


# --- Which backends and scenarios -----------------------------------------------------


def test_unknown_names_are_refused_before_anything_runs() -> None:
    """An unknown backend or scenario raises; no backend was started."""
    steps: list[Progress] = []
    with pytest.raises(UnknownBackendError, match="did you mean 'python'"):
        run_all(["cffi", "pyhton"], progress=steps.append)
    with pytest.raises(UnknownBackendError):
        run_all(["a:b:c"], progress=steps.append)
    with pytest.raises(
        ValueError, match=r"unknown scenario .* did you mean 'correctness'"
    ):
        run_all(scenarios=["corectness"], progress=steps.append)
    with pytest.raises(ValueError, match="expected at least one name, got none"):
        run_all([], progress=steps.append)
    assert steps == []


@pytest.mark.parametrize("seconds", [0, -1.0, float("inf"), float("nan")])
def test_a_time_limit_is_positive_and_finite(seconds: float) -> None:
    """Anything else is refused before anything runs."""
    with pytest.raises(ValueError, match="expected seconds over 0"):
        run_all(["python"], timeout_s=seconds)


def test_backends_are_in_registry_order_and_once() -> None:
    """Registered names come first, each once; the others as they were given."""
    names = ["backends.reference:double_list", "pyo3", "python", "pyo3"]
    assert [job.name for job in plan_jobs(names)] == [
        "python",
        "pyo3",
        "backends.reference:double_list",
    ]
    assert [job.name for job in plan_jobs("cffi")] == ["cffi"]
    assert [job.name for job in plan_jobs(None)] == [*backends.names()]


def test_planning_imports_no_backend() -> None:
    """A backend that dies as it is imported is planned without harm."""
    assert plan_job("tests.faulty_backends:aborts_when_loaded").reason == ""


def test_a_backend_object_is_found_again_by_import() -> None:
    """A Backend whose function can be imported keeps its own name and declaration."""
    mine = Backend("mine", double_list, releases_gil=False, technology="my own")
    report = run_all([mine], scenarios=["handoff"], quick=True)
    assert report["mine"].status == "ok"
    assert report["mine"].declared is False
    assert report["mine"].technology == "my own"


def test_a_registered_backend_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was registered in this process is found in another one."""
    monkeypatch.setattr("backends.registry._registered", {})
    backends.register(Backend("mine", double_list, releases_gil=False))
    report = run_all(["mine"], scenarios=["handoff"], quick=True)
    assert report["mine"].status == "ok"


def test_a_backend_that_no_import_finds_is_unavailable() -> None:
    """A function inside a function cannot be found; the row says what is needed."""

    def local(*_: Any, **__: Any) -> None:
        """Do nothing."""

    report = run_all([Backend("local", local)], scenarios=[])
    assert report["local"].status == "unavailable"
    assert "at the top of a module" in report["local"].reason
    assert not report.ok


def test_a_backend_of_the_main_module_is_unavailable() -> None:
    """The main module would be run again, not found: it is left alone."""
    code = (
        "from backends import Backend\n"
        "from compare import run_all\n"
        "def call(*a, **k): return None\n"
        "print(run_all([Backend('mine', call)], scenarios=[])['mine'].status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "unavailable\n"


def test_a_backend_that_is_not_built_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row has the command that builds it; only if it was named it spoils all."""
    (tmp_path / "pyo3_backend").mkdir()
    (tmp_path / "pyo3_backend" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    report = run_all(scenarios=[])
    assert report["pyo3"].status == "unavailable"
    assert report["pyo3"].reason.startswith("backend 'pyo3' is not built: ")
    assert report["pyo3"].reason.endswith("run: make build")
    assert report["pyo3"].technology.startswith("Rust")
    assert report.ok
    assert not run_all(["pyo3"], scenarios=[]).ok


# --- From anywhere --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["script", "-c", "standard input"])
def test_it_works_without_a_main_guard(how: str, tmp_path: Path) -> None:
    """A plain script, `python -c` and standard input (a notebook) all work."""
    code = (
        "import compare\n"
        "report = compare.run_all(['python'], scenarios=['handoff'], quick=True)\n"
        "print(report['python'].status)\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    arguments = {"script": [str(script)], "-c": ["-c", code], "standard input": ["-"]}
    done = subprocess.run(
        [sys.executable, *arguments[how]],
        input=code if how == "standard input" else None,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "ok\n"
    assert done.stderr == ""


def test_modules_are_looked_for_where_the_caller_looks(tmp_path: Path) -> None:
    """A file beside no script, in the current folder, takes no module's place."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "json.py").write_text("raise ImportError('the wrong json')\n")
    script = tmp_path / "script.py"
    script.write_text(
        "from compare import run_all\n"
        "print(run_all(['python'], scenarios=[])['python'].status)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "ok\n"


def test_a_module_that_compares_itself_does_not_do_so_for_ever(tmp_path: Path) -> None:
    """run_all() in what is imported by a worker is refused, with advice."""
    (tmp_path / "selfish.py").write_text(
        "from compare import run_all\n"
        "from backends.reference import double_list\n"
        "def call(*a, **k): return double_list(*a, **k)\n"
        "row = run_all(['selfish:call'], scenarios=[])['selfish:call']\n"
        "print(row.status, row.reason)\n"
    )
    done = subprocess.run(
        [sys.executable, "selfish.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("failed ")
    assert 'put the call under if __name__ == "__main__"' in done.stdout


# --- Progress and the demo ------------------------------------------------------------


def test_progress_tells_each_step() -> None:
    """Loading, each scenario and the end are told as they happen, with the time."""
    steps: list[Progress] = []
    run_all(
        ["python"],
        scenarios=["gil", "handoff"],
        quick=True,
        progress=steps.append,
    )
    assert [(step.scenario, step.state) for step in steps] == [
        (None, "running"),
        ("handoff", "running"),
        ("gil", "running"),
        (None, "ok"),
    ]
    assert {step.backend for step in steps} == {"python"}
    assert [step.elapsed_s for step in steps] == sorted(
        step.elapsed_s for step in steps
    )


def test_an_exception_in_progress_ends_the_worker() -> None:
    """What the callback raises, Ctrl-C too, comes through and leaves no worker."""

    def interrupt(step: Progress) -> None:
        if step.scenario:
            raise KeyboardInterrupt

    before = find_children(os.getpid())
    with pytest.raises(KeyboardInterrupt):
        run_all(["python"], scenarios=["handoff"], quick=True, progress=interrupt)
    # Another test of this process may have left one that it still uses.
    assert {*find_children(os.getpid())} <= {*before}


def test_the_demo_has_both_partners() -> None:
    """The lecture's partner ends early; the late one sleeps past the release."""
    early, late = (
        run_plan(
            make_plan("python", scenarios=["handoff"], quick=True, late_partner=is_late)
        )["python"]
        for is_late in (False, True)
    )
    assert early.handoff is not None
    assert late.handoff is not None
    assert early.handoff.partner_sleep_s < 0.1 < late.handoff.partner_sleep_s


def test_a_report_of_real_results_survives_json() -> None:
    """What the worker sent, in every scenario there is, is read back the same."""
    report = run_all(["python"], scenarios=["handoff", "gil"], quick=True)
    assert type(report).from_json(report.to_json()) == report
    assert json.loads(report.to_json())["backends"][0]["handoff"]["ticks_s"]
