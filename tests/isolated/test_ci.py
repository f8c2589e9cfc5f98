"""The workflows, the action and the hooks: well-formed, and their commands run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gilscope.cli import COMMANDS
from tests.looks import look_until

yaml = pytest.importorskip("yaml", reason="it comes with the tools of the site")

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
HOW_TO = ROOT / "docs" / "how-to" / "guard-a-release-in-ci.md"
FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
RELEASES = "import time; time.sleep(0.02)"
HOLDS = "sum([1] * 3_000_000)"


def find_steps(workflow: dict) -> list[dict]:
    """Return the steps of all jobs of a workflow."""
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def find_runs(command: str, text: str) -> list[str]:
    """Return the word that follows a command, wherever it is run."""
    pattern = rf"(?:^|[\s/]){command} +([a-z-]+)"
    return re.findall(pattern, text, re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_asks_for_what_there_is(path: Path) -> None:
    """Its targets, subcommands, scripts and jobs are there; nothing runs for ever."""
    workflow = yaml.safe_load(path.read_text())
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name, job in workflow["jobs"].items():
        needs = job.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        assert set(needs) <= set(workflow["jobs"]), name
        if "uses" in job:
            assert (ROOT / job["uses"]).exists()
        else:
            assert job["timeout-minutes"] <= 60, name
    for step in find_steps(workflow):
        if "uses" in step:
            assert re.search(r"@(v\d+|release/v\d+)$", step["uses"])
            continue
        assert set(find_runs("make", step["run"])) <= set(targets)
        assert set(find_runs("gilscope", step["run"])) <= set(COMMANDS)
        checked = subprocess.run(
            ["bash", "-n"], input=step["run"], text=True, check=False
        )
        assert checked.returncode == 0, step["run"]
        for script in re.findall(r"(\.\S+\.toml|\.ci/\S+)", step["run"]):
            assert (ROOT / script).exists()


def test_only_the_release_may_publish() -> None:
    """No workflow has a right to write but the job that uploads, on a tag."""
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            if "permissions" in job:
                assert (path.name, name) == ("release.yml", "publish")
                assert job["permissions"] == {"id-token": "write"}
                assert job["if"] == "startsWith(github.ref, 'refs/tags/v')"
                assert set(job["needs"]) >= {"nightly", "test", "check", "install"}


def test_the_workflow_to_copy_gives_the_action_what_it_takes() -> None:
    """Every input that the how-to shows is one of the action's."""
    shown = [yaml.safe_load(block) for block in FENCE.findall(HOW_TO.read_text())]
    steps = [s for block in shown if "jobs" in block for s in find_steps(block)]
    used = [step for step in steps if "gilscope" in step.get("uses", "")]
    assert used
    for step in used:
        assert set(step["with"]) <= set(ACTION["inputs"])


def test_the_hooks_are_commands() -> None:
    """Each entry is a subcommand, and the how-to names no other hook."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        program, command = hook["entry"].split()
        assert program == "gilscope"
        assert command in COMMANDS
    named = set(re.findall(r"id: (gilscope-\S+)", HOW_TO.read_text()))
    assert named == {hook["id"] for hook in hooks}


# --- the action -----------------------------------------------------------------------


def run_action(
    tmp_path: Path, **inputs: str
) -> "tuple[subprocess.CompletedProcess[str], str]":
    """Run the action's script as its step does; return the job summary too."""
    step = ACTION["runs"]["steps"][-1]
    program, script = shlex.split(step["run"])
    assert program == "python"
    script = script.replace("$GITHUB_ACTION_PATH", str(ROOT))
    summary = tmp_path / "summary.md"
    environment = {"PYTHONPATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(summary)}
    for name, value in step["env"].items():
        field = value.removeprefix("${{ inputs.").removesuffix(" }}")
        environment[name] = inputs.get(field, ACTION["inputs"][field]["default"])

    def look() -> "tuple[subprocess.CompletedProcess[str], str]":
        summary.write_text("what an earlier step wrote\n")
        done = subprocess.run(
            [sys.executable, script],
            cwd=tmp_path,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        text = summary.read_text()
        assert text.startswith("what an earlier step wrote\n")
        return done, text

    def is_told(found: "tuple[subprocess.CompletedProcess[str], str]") -> bool:
        return "could not be judged" not in found[0].stdout + found[1]

    # Nobody can judge what does nothing.
    return look() if inputs.get("check") == "pass" else look_until(is_told, look)


def test_the_action_passes_where_all_release(tmp_path: Path) -> None:
    """The summary has each call; there is no annotation."""
    check = f"# a comment\n-s 'import time' 'time.sleep(0.02)'\n\n'{RELEASES}'\n"
    done, summary = run_action(tmp_path, check=check)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::error" not in done.stdout
    assert summary.count("<details><summary>gilscope check ") == 2


def test_the_action_fails_where_one_holds(tmp_path: Path) -> None:
    """An annotation names the call, the summary shows it unfolded, without markup."""
    check = f"'{RELEASES}'\n'[\"<b>\"] and {HOLDS}'"
    done, summary = run_action(tmp_path, check=check)
    assert done.returncode == 1
    (line,) = [s for s in done.stdout.splitlines() if s.startswith("::error")]
    assert line.startswith("::error title=gilscope::gilscope check ")
    assert line.endswith(": failed (1)")
    assert summary.count("<details><summary>") == 1
    assert summary.count("<details open><summary>") == 1
    assert "<b>" not in summary


@pytest.mark.parametrize(("inconclusive", "status"), [("pass", 0), ("fail", 1)])
def test_what_could_not_be_judged_is_seen(
    inconclusive: str, status: int, tmp_path: Path
) -> None:
    """A call that is too short for a verdict is a warning, or fails if asked to."""
    done, summary = run_action(tmp_path, check="pass", inconclusive=inconclusive)
    assert done.returncode == status
    level = "error" if status else "warning"
    assert f"::{level} title=gilscope::gilscope check pass: could not" in done.stdout
    assert "<details open>" in summary


@pytest.mark.parametrize(
    ("body", "status", "outcome"),
    [
        ("def test_it(gil): gil.assert_releases(time.sleep, 0.02)", 0, "ok"),
        ("def test_it(gil): gil.assert_holds(time.sleep, 0.02)", 1, "failed (1)"),
        ("", 1, "no test was run"),
    ],
)
@pytest.mark.usefixtures("only_our_plugin")
def test_the_action_runs_tests(
    body: str, status: int, outcome: str, tmp_path: Path
) -> None:
    """With the fixture there; a run without a test is a failure."""
    (tmp_path / "test_gil.py").write_text(f"import time\n{body}\n")
    done, summary = run_action(tmp_path, pytest="test_gil.py -p no:cacheprovider")
    assert done.returncode == status, done.stdout + done.stderr
    assert f"pytest test_gil.py -p no:cacheprovider: {outcome}</summary>" in summary


@pytest.mark.parametrize(
    "inputs", [{}, {"check": "'unbalanced"}, {"check": "pass", "inconclusive": "maybe"}]
)
def test_what_the_action_does_not_understand_is_no_success(
    inputs: dict[str, str], tmp_path: Path
) -> None:
    """Nothing to do, a quote that does not close, an unknown word."""
    done, _ = run_action(tmp_path, **inputs)
    assert done.returncode == 2
