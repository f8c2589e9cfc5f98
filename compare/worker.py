"""What runs in a backend's own process: a job comes in, messages go out.

A message says what is done next ("step"), what was found out, by the fields of a
BackendResult ("found"), or how it ended ("end"). Each is sent at once, so that a crash
takes nothing with it. Standard output and error are left to the backend. Nothing
outside the standard library is imported here besides the backend itself: a native
module could turn the GIL back on in a free-threaded build.
"""

import dataclasses
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import backends
from compare import subinterpreter
from compare.contract import ContractError, Implementation, load_implementation
from compare.double_list.contract import ADVICE
from compare.plan import Job
from compare.scenarios import NotApplicable, load_scenario
from gilscope.channel import Channel, describe_value
from gilscope.clean import clean_text
from gilscope.environment import is_free_threaded_build, is_gil_enabled
from gilscope.record import structure

# How much of a backend's own words goes into a reason.
MESSAGE_LENGTH = 500


def main(channel: Channel) -> None:
    """Do the job; the process ends here."""
    job = structure(channel.order, Job)
    for name in job.scenarios:
        load_scenario(name)
    channel.occupy_small_fds()
    channel.use_search_path()
    status, reason = run_job(job, channel)
    if channel.were_fds_closed() and status in ("ok", "failed"):
        status = "failed"
        reason = f"closed descriptors that were not its own\n{reason}".strip()
    channel.send({"end": [status, reason]})
    if subinterpreter.is_due(job.scenarios, status):
        limit_memory(None)
        channel.limit(subinterpreter.TIMEOUT_S)
        channel.send(subinterpreter.load_isolated(job.target, job.contract))
    channel.exit()


def run_job(job: Job, channel: Channel) -> tuple[str, str]:
    """Load the backend, put it through the scenarios; return status and reason."""
    step, memory_max_bytes = "loading", None
    try:
        found = load_implementation(job.contract, job.name, job.target, job.reference)
        technology, releases_gil = found.technology, found.releases_gil
        # What was declared of it where the run was planned comes first.
        found = dataclasses.replace(
            found,
            technology=technology if job.technology is None else job.technology,
            releases_gil=releases_gil if job.releases_gil is None else job.releases_gil,
        )
        memory_max_bytes = found.contract.memory_max_bytes
        if memory_max_bytes is not None:
            limit_memory(memory_max_bytes)
        build_info = read_build_info(found)
        loaded = {
            "technology": found.technology,
            "declared": found.releases_gil,
            "build_info": build_info,
            "warnings": find_load_warnings(),
        }
        channel.send({"found": loaded})
        if build_info.get("profile") == "debug":
            return "failed", "a debug build is not compared"
        lacks = {}
        for step in job.scenarios:
            channel.send({"step": step})
            try:
                found_out = {step: load_scenario(step).run(found, job.options)}
            except NotApplicable as lack:
                lacks[step] = str(lack)
                found_out = {"not_applicable": lacks}
            channel.send({"found": found_out})
    except backends.BackendNotBuiltError as error:
        return "unavailable", clean_text(str(error))
    except (backends.BackendLoadError, ContractError) as error:
        return "failed", shorten_message(str(error))
    except SystemExit as error:
        code = shorten_message(describe_value(error.code))
        return "crashed", f"{step} called sys.exit({code})"
    except BaseException as error:  # noqa: BLE001 - a backend may raise anything.
        advice = advise(error, job, memory_max_bytes)
        return "failed", f"{step} raised {describe_error(error)}{advice}"
    return "ok", ""


def advise(error: BaseException, job: Job, memory_max_bytes: int | None) -> str:
    """Return what may have led to an error, after what it says, or ""."""
    if isinstance(error, TypeError) and not job.contract:
        return f"; {ADVICE}"
    if isinstance(error, MemoryError) and memory_max_bytes is not None:
        return f"; its contract lets the process grow by {memory_max_bytes:,} bytes"
    return ""


def read_build_info(implementation: Implementation) -> dict[str, Any]:
    """Return what an implementation says of its build, if that is a dict."""
    found: object = implementation.build_info()
    if not isinstance(found, dict):
        kind = type(found).__name__
        message = f"{implementation.name} build_info(): expected dict, got {kind}"
        raise ContractError(message)
    return found


def limit_memory(n_bytes: int | None) -> None:
    """Let this process grow by so much, or as far as it may, where it can be told."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - it is not there on every system.

    most = hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if n_bytes is not None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + n_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def find_load_warnings() -> list[str]:
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
    text = shorten_message("".join(lines).strip())
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return text
    last = frames[-1]
    return f"{text} (in {last.name}, {Path(last.filename).name}:{last.lineno})"


def shorten_message(text: str) -> str:
    """Return the text, or its beginning where it would fill a page."""
    text = clean_text(text)
    if len(text) <= MESSAGE_LENGTH:
        return text
    return f"{text[:MESSAGE_LENGTH]}... ({len(text)} characters)"
