"""A child process: what it tells, how it can end, and that nothing of it stays."""

import faulthandler
import os
import subprocess
import sys
import time
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from gilscope.channel import SMALL_FDS
from gilscope.process import Child, ForkEndedError, run_forked
from tests.looks import try_limits
from tests.processes import find_children, wait_for_end

ROOT = Path(__file__).parents[2]
CHILDREN = "tests.children"
# Of a child that ends by itself.
LIMIT_S = 240.0


def run(name: str, order: Any = None, **options: Any) -> tuple[list[Any], Child]:
    """Return all that a child sent, and the child after its end."""
    options = {"timeout_s": LIMIT_S, **options}
    with Child(f"{CHILDREN}:{name}", order, **options) as child:
        return [*child], child


# --- Messages -------------------------------------------------------------------------


def test_orders_are_answered_in_turn() -> None:
    """The first comes with the start; the child ends when there are no more."""
    with Child(f"{CHILDREN}:answer_orders", {"a": [1]}, timeout_s=LIMIT_S) as child:
        assert child.receive() == {"a": [1]}
        for order in (2, "x", [1]):
            child.send(order)
            assert child.receive() == 2 * order
        assert child.wait_for_end(LIMIT_S) == 0
        assert child.receive() is None


@pytest.mark.parametrize("guards", [True, False])
def test_closing_every_descriptor_is_noticed_and_survived(guards: bool) -> None:
    """None of the channel is open meanwhile."""
    messages, _ = run("close_all", guards=guards)
    assert messages == ["closed", [True, "x" * 100_000]]


@pytest.mark.parametrize("fd", [0, 3, 19])
def test_closing_a_single_descriptor_is_noticed(fd: int) -> None:
    """However often the channel was used since."""
    assert run("close_one", fd)[0] == ["ready", "closed", True]


def test_a_child_that_used_up_all_descriptors_still_answers() -> None:
    """One is kept for the channel."""
    assert run("open_all")[0] == ["Too many open files", "again"]


def test_a_forged_message_does_not_arrive() -> None:
    """It is written to every descriptor; what nobody had opened is told apart."""
    messages, child = run("forge")
    assert messages == ["real"]
    assert child.stray.head.count(b"forged") >= len(SMALL_FDS)
    assert set(child.stray.head.decode().split()) == {'"forged"'}
    assert child.exit_code == 0


@pytest.mark.nightly
def test_a_flood_of_damage_neither_makes_nor_loses_a_message() -> None:
    """Any descriptor is closed before a message, and written to meanwhile."""
    for seed in range(20):
        messages, _ = run("damage", seed)
        assert messages == [f"{number}" * 1000 for number in range(200)]


# --- Time -----------------------------------------------------------------------------


def test_a_child_that_ended_itself_at_its_limit_was_late_whatever_the_parent_knew():
    """The parent counts from when it reads a message, later than the child does."""
    _, child = run("hang_shortly")
    status, reason = child.explain_end("it")
    assert status == "timeout"
    assert "in hang_shortly" in reason


@pytest.mark.parametrize("guards", [True, False])
def test_a_hang_is_ended_with_its_stacks(guards: bool) -> None:
    """What it sent before is kept."""

    def look(limit_s: float) -> tuple[list[Any], Child]:
        return run("hang", timeout_s=limit_s, guards=guards)

    messages, child = try_limits(itemgetter(0), look)
    assert messages == ["there"]
    status, reason = child.explain_end("it")
    assert status == "timeout"
    assert reason.startswith(f"it had not ended after {child.timeout_s:g} s\n")
    assert "in hang" in reason


def test_a_sign_of_life_begins_the_time_anew() -> None:
    """Where that is asked for; the last one is what counts."""

    def look(limit_s: float) -> tuple[list[Any], Child]:
        return run("live_on", 0.4 * limit_s, timeout_s=limit_s, renews=True)

    messages, child = try_limits(lambda found: len(found[0]) == 3, look)
    assert messages == ["alive"] * 3
    assert child.explain_end("it")[0] == "timeout"


def test_what_is_left_behind_takes_no_time() -> None:
    """Neither a thread nor a function for the end is waited for."""
    # It would be ended at the limit, with another status.
    messages, child = run("leave_thread")
    assert (messages, child.exit_code) == (["done"], 0)


# --- Modules --------------------------------------------------------------------------


def test_a_users_modules_come_after_ours(tmp_path: Path) -> None:
    """Their folder has modules named like ours and the standard library's."""
    for name in ("compare", "backends", "random", "json", "threading", "mine_alone"):
        text = "" if name == "mine_alone" else "raise ImportError('the wrong one')"
        (tmp_path / f"{name}.py").write_text(text)
    path = [str(tmp_path), *sys.path]
    (message,), _ = run("look", str(tmp_path), path=path)
    assert message == [[], str(tmp_path), str(tmp_path / "mine_alone.py")]


# --- A copy of this process -----------------------------------------------------------


class OddError(Exception):
    """One that cannot be made again from its own arguments."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first + second)


def test_a_copy_returns_what_it_returns_and_changes_nothing_here() -> None:
    """Its memory is its own."""
    kept: list[int] = []
    assert run_forked(lambda _: (kept.append(1), len(kept))) == (None, 1)
    assert kept == []


@pytest.mark.parametrize(
    ("error", "kind"), [(KeyError("x"), KeyError), (OddError(1, 2), RuntimeError)]
)
def test_what_a_copy_raises_is_raised_here(
    error: Exception, kind: type[Exception]
) -> None:
    """Or at least its text, where it cannot be had here."""

    def work(_: int) -> None:
        raise error

    with pytest.raises(kind, match=str(error)):
        run_forked(work)


def test_the_end_of_a_copy_is_told_with_its_stacks() -> None:
    """As faulthandler wrote them."""

    def work(file: int) -> None:
        faulthandler.dump_traceback_later(0.2, exit=True, file=file)
        time.sleep(60)

    with pytest.raises(ForkEndedError) as caught:
        run_forked(work)
    assert caught.value.exit_code == 1
    assert "in work" in caught.value.stack


# --- Whatever happens to the parent ---------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent's death signal")
@pytest.mark.parametrize("guards", [True, False])
def test_a_child_does_not_outlive_a_parent_that_is_killed(guards: bool) -> None:
    """Nor does the process that guards it."""
    code = (
        "import time\n"
        "from gilscope.process import Child\n"
        f"with Child('{CHILDREN}:hang', timeout_s=60, guards={guards}) as child:\n"
        "    assert child.receive() == 'there'\n"
        "    print(child._process.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        pid = int(parent.stdout.readline())
        left = [pid, *find_children(pid)]
        parent.kill()
    wait_for_end(*left)
