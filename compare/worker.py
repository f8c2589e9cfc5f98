"""What runs in a backend's own process: a job comes in, messages go out.

Each thing that happened is a message of its own, sent at once, so that a crash takes
nothing with it. Standard output and error are left to the backend. Nothing outside the
standard library is imported here besides the backend itself: a native module could turn
the GIL back on in a free-threaded build.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import Any

import backends
from backends import Backend
from compare.plan import Job
from compare.scenarios import load_scenario
from gilscope.channel import Channel, describe
from gilscope.clean import clean_text
from gilscope.environment import is_free_threaded_build, is_gil_enabled

# How much of a backend's own words goes into a reason.
MESSAGE_LENGTH = 500


def main(channel: Channel) -> None:
    """Do the job; the process ends here."""
    job = Job.from_plain(channel.order)
    for name in job.scenarios:
        load_scenario(name)
    channel.occupy_small_fds()
    channel.use_search_path()
    status, reason = run_job(job, channel)
    if channel.were_fds_closed() and status in ("ok", "failed"):
        status = "failed"
        reason = f"closed descriptors that were not its own\n{reason}".strip()
    channel.send({"event": "end", "status": status, "reason": reason})
    channel.exit()


def run_job(job: Job, channel: Channel) -> tuple[str, str]:
    """Load the backend, put it through the scenarios; return status and reason."""
    step = "loading"
    try:
        backend = load_backend(job)
        build_info = read_build_info(backend)
        channel.send(
            {
                "event": "loaded",
                "technology": backend.technology,
                "declared": backend.releases_gil,
                "build_info": build_info,
                "warnings": find_warnings(),
            }
        )
        if build_info.get("profile") == "debug":
            return "failed", "a debug build is not compared"
        for step in job.scenarios:
            channel.send({"event": "scenario", "name": step})
            result = load_scenario(step).run(backend, job.options)
            channel.send({"event": "result", "name": step, "value": result})
    except backends.BackendNotBuiltError as error:
        return "unavailable", clean_text(str(error))
    except backends.BackendLoadError as error:
        return "failed", shorten(str(error))
    except SystemExit as error:
        return "crashed", f"{step} called sys.exit({shorten(describe(error.code))})"
    except BaseException as error:  # noqa: BLE001 - a backend may raise anything.
        return "failed", f"{step} raised {describe_error(error)}"
    return "ok", ""


def load_backend(job: Job) -> Backend:
    """Find the backend again and give it the name it is reported under."""
    found = backends.get(job.target)
    return Backend(
        job.name,
        found.double_list,
        releases_gil=(
            found.releases_gil if job.releases_gil is None else job.releases_gil
        ),
        technology=found.technology if job.technology is None else job.technology,
        build_info=found.build_info,
    )


def read_build_info(backend: Backend) -> dict[str, Any]:
    """Return what a backend says of its build.

    Raises:
        BackendLoadError: it is of another type than is promised.
    """
    found: object = backend.build_info()
    if not isinstance(found, dict):
        message = (
            f"backend {backend.name!r} build_info(): "
            f"expected dict, got {type(found).__name__}"
        )
        raise backends.BackendLoadError(message)
    return found


def find_warnings() -> list[str]:
    """Say what loading the backend did to the process."""
    if not is_free_threaded_build() or not is_gil_enabled():
        return []
    if os.environ.get("PYTHON_GIL") == "1" or sys._xoptions.get("gil") == "1":  # noqa: SLF001
        return ["the GIL is on in this free-threaded build because it was asked for"]
    return ["loading it turned the GIL back on for the whole process"]


def describe_error(error: BaseException) -> str:
    """Return type, message and place of an exception in one line."""
    try:
        lines = traceback.format_exception_only(error)
    except Exception:  # noqa: BLE001 - its message is anybody's code.
        lines = [type(error).__name__]
    text = shorten("".join(lines).strip())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    return f"{text} (in {last.name}, {Path(last.filename).name}:{last.lineno})"


def shorten(text: str) -> str:
    """Return the text, or its beginning where it would fill a page."""
    text = clean_text(text)
    if len(text) <= MESSAGE_LENGTH:
        return text
    return f"{text[:MESSAGE_LENGTH]}... ({len(text)} characters)"
