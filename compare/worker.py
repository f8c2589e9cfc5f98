"""What runs in a backend's own process: a job as JSON in, JSON lines out.

`python -m compare.worker FOLDER` reads FOLDER/job.json and writes to
FOLDER/events.jsonl one line for each thing that happened, at once, so that a crash
takes nothing with it. Standard output and error are left to the backend. Nothing
outside the standard library is imported here besides the backend itself: a native
module could turn the GIL back on in a free-threaded build.
"""

import dataclasses
import faulthandler
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backends
from backends import Backend
from compare.scenarios import Options, load_scenario
from gilscope.environment import is_free_threaded_build, is_gil_enabled
from gilscope.process import go_on_in_child

JOB_FILE = "job.json"
EVENTS_FILE = "events.jsonl"
STACK_FILE = "stack.txt"

# How much of a backend's own words goes into a reason.
MESSAGE_LENGTH = 500

# A worker that took longer to start than it has time still tells where it was.
REST_MIN_S = 0.05

Emit = Callable[..., None]


def main(folder: Path) -> None:
    """Do the job in the folder; the process ends here."""
    job = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
    go_on_in_child(job["parent_pid"])
    pid = os.getpid()
    with (
        (folder / STACK_FILE).open("w") as stack,
        (folder / EVENTS_FILE).open("w", encoding="utf-8") as events,
    ):
        # Both write from C, so they also work where the GIL is never given back.
        faulthandler.enable(stack)
        faulthandler.dump_traceback_later(find_rest_s(job), exit=True, file=stack)

        def emit(event: str, **content: Any) -> None:
            if os.getpid() != pid:
                # A child that the backend forked came back as if it were the worker.
                os._exit(1)
            line = json.dumps({"event": event, **content}, allow_nan=False)
            events.write(line + "\n")
            events.flush()

        status, reason = run_job(job, emit)
        emit("end", status=status, reason=reason)
        # Threads that a backend left behind would keep the interpreter from ending.
        os._exit(0)


def find_rest_s(job: dict[str, Any]) -> float:
    """Return what is left of the time limit, which began before this process did."""
    timeout_s: float = job["timeout_s"]
    started_at: float = job["started_at"]
    # The wall clock is the one that two processes share; it may have been set.
    gone_s = max(0.0, time.time() - started_at)
    return max(REST_MIN_S, timeout_s - gone_s)


def run_job(job: dict[str, Any], emit: Emit) -> tuple[str, str]:
    """Load the backend, put it through the scenarios; return status and reason."""
    step = "loading"
    try:
        backend = load_backend(job)
        build_info = backend.build_info()
        emit(
            "loaded",
            technology=backend.technology,
            declared=backend.releases_gil,
            build_info=json.loads(json.dumps(build_info, default=repr)),
            warnings=find_warnings(),
        )
        if build_info.get("profile") == "debug":
            return "failed", "a debug build is not compared"
        options = make_options({**job["options"], "target": job["target"]})
        for step in job["scenarios"]:
            emit("scenario", name=step)
            result = load_scenario(step).run(backend, options)
            emit("result", name=step, value=dataclasses.asdict(result))
    except backends.BackendNotBuiltError as error:
        return "unavailable", str(error)
    except backends.BackendLoadError as error:
        return "failed", shorten(str(error))
    except SystemExit as error:
        return "crashed", f"{step} called sys.exit({error.code!r})"
    except BaseException as error:  # noqa: BLE001 - a backend may raise anything.
        return "failed", f"{step} raised {describe_error(error)}"
    return "ok", ""


def make_options(content: dict[str, Any]) -> Options:
    """Return the options as they were before they became JSON."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
    }
    return Options(**values)


def load_backend(job: dict[str, Any]) -> Backend:
    """Find the backend again and give it the name it is reported under."""
    backend = backends.get(job["target"])
    declared = {
        name: job[name]
        for name in ("technology", "releases_gil")
        if job[name] is not None
    }
    return dataclasses.replace(backend, name=job["name"], **declared)


def find_warnings() -> list[str]:
    """Say what loading the backend did to the process."""
    if not is_free_threaded_build() or not is_gil_enabled():
        return []
    if os.environ.get("PYTHON_GIL") == "1" or sys._xoptions.get("gil") == "1":  # noqa: SLF001
        return ["the GIL is on in this free-threaded build because it was asked for"]
    return ["loading it turned the GIL back on for the whole process"]


def describe_error(error: BaseException) -> str:
    """Return type, message and place of an exception in one line."""
    text = shorten("".join(traceback.format_exception_only(error)).strip())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    return f"{text} (in {last.name}, {Path(last.filename).name}:{last.lineno})"


def shorten(text: str) -> str:
    """Return the text, or its beginning where it would fill a page."""
    if len(text) <= MESSAGE_LENGTH:
        return text
    return f"{text[:MESSAGE_LENGTH]}... ({len(text)} characters)"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
