"""What the documents say can be done is done here, so that it cannot rot."""

import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gilscope import cli
from tests.looks import look_until

ROOT = Path(__file__).parents[2]
READMES = [name for name in ("README.md", "README.ko.md") if (ROOT / name).exists()]
DOCUMENTS = sorted(
    [
        *READMES,
        "CONTRIBUTING.md",
        *(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
    ],
    key=lambda name: (name != "README.md", name),
)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)?(?:#([^)\s]+))?\)")


def load_refresh():
    path = ROOT / "docs" / "refresh.py"
    spec = importlib.util.spec_from_file_location("refresh", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def find_blocks(kind):
    """Return each distinct block once, and its short form where it compares."""
    blocks = {}
    for name in DOCUMENTS:
        for number, (info, body) in enumerate(FENCE.findall(read(name))):
            if info == kind:
                # Whatever a page shows as their output, commands are run once.
                lines = [line for line in body.splitlines() if line.startswith("$ ")]
                blocks.setdefault(tuple(lines) or body, (body, f"{name}-{number}"))
    for body, name in blocks.values():
        short = shorten(body)
        yield pytest.param(short, id=name)
        if short != body:
            yield pytest.param(body, id=f"{name}-whole", marks=pytest.mark.nightly)


def shorten(block):
    """Return a block whose comparisons are of one scenario, in its short form."""
    if "scenario" in block:
        return block
    block = block.replace(
        "gilscope run ", "gilscope run --scenario correctness --quick "
    )
    return block.replace("run_all(", 'run_all(scenarios=["handoff"], ')


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def run(command, folder):
    """Run a command as a user of the installed distribution would."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_quoted_regions_are_those_of_the_sources():
    """The contract's page quotes each source's region without the GIL as it is."""
    refresh = load_refresh()
    text = read("docs/reference/contract.md")
    regions = [m["what"] for m in refresh.BLOCK.finditer(text) if m["kind"] == "region"]
    assert len(regions) == 4


@pytest.mark.parametrize("name", DOCUMENTS)
def test_quoted_sources_and_files_are_as_they_are(name):
    """A region, an example or an expected output that changed has changed here too."""
    text = read(name)
    assert load_refresh().refresh(text) == text, "run: python docs/refresh.py"


def test_the_readme_is_a_screen_and_a_half():
    """Its 83 lines are 1,617 pixels high in a column of 1,012; 1,620 were allowed."""
    assert len(read("README.md").splitlines()) <= 83


@pytest.mark.parametrize("name", READMES)
def test_the_readme_says_how_each_source_runs_its_kernel(name):
    """Its table links to each of the four, and has a part of the quoted region."""
    refresh = load_refresh()
    table = re.search(r"^\| \[.*\n\| ---.*\n\| `.*$", read(name), re.MULTILINE)[0]
    heads, _, parts = table.splitlines()
    sources = re.findall(r"\]\((\S+)\)", heads)
    assert len(sources) == 4
    for source, part in zip(sources, re.findall(r"`([^`]+)`", parts), strict=True):
        assert part in refresh.read_region(source), source


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_quoted_output_stands_below_its_own_command(name):
    """A sample that shows its command shows the one that refresh.py runs."""
    for block in load_refresh().BLOCK.finditer(read(name)):
        if block["kind"] == "sample" and block["body"].startswith("$ "):
            command = block["what"].split(" -> ")[0]
            shown = block["body"].splitlines()[0].split("  # exit status")[0]
            assert shown == f"$ {command}"


@pytest.mark.parametrize("source", [*find_blocks("python")])
def test_python_of_the_documents_runs(source, tmp_path):
    """Every Python example runs, unless it says norun; pytest runs one with a test."""
    if "backends.get(" in source or "compare.run_all(" in source:
        pytest.importorskip("pyo3_backend._native", reason="pyo3 is not built")
    if "def test_" in source:
        (tmp_path / "test_gil.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    else:
        (tmp_path / "example.py").write_text(source, encoding="utf-8")
        command = [sys.executable, "example.py"]
    done = look_until(
        # What an example asserts of a verdict, a busy machine may hide.
        lambda done: "AssertionError" not in done.stderr,
        lambda: run(command, tmp_path),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", [*find_blocks("console")])
def test_commands_of_the_documents_run(block, tmp_path):
    """Every command ends with the status that the document says, 0 unless it does."""
    lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    assert lines
    for line in lines:
        command = shlex.split(line, comments=True)
        said = re.search(r"# exit status (\d)", line)
        expected = int(said[1]) if said else 0
        if command[0] == "make":
            done = run(["make", "--dry-run", *command[1:]], ROOT)
        elif command[:3] == ["gilscope", "diff", "before.json"]:
            # Whether a noisy machine ran alike twice is no property of the document.
            done = run([*command, "--help"], tmp_path)
        else:
            assert shutil.which(command[0], path=Path(sys.executable).parent), line
            done = look_until(
                # A busy machine may hide a hold, or all that a verdict needs.
                lambda done, expected=expected: (
                    done.returncode not in {0, 3} - {expected}
                ),
                lambda command=command: run(command, tmp_path),
            )
        assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"


def make_anchor(heading):
    """Return the anchor that a heading gets where Markdown is rendered."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    """Every relative link leads to a file that is there, and to a heading in it."""
    for target, anchor in LINK.findall(read(name)):
        path = (ROOT / name).parent / target if target else ROOT / name
        assert path.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert anchor in map(make_anchor, headings), f"{name}: {target}#{anchor}"


def test_every_option_is_in_the_reference(capsys):
    """docs/reference/commands.md has a section a command, with each of its options."""
    sections = dict(
        re.findall(
            r"^## `gilscope (\w+)`\n(.*?)(?=^## |\Z)",
            read("docs/reference/commands.md"),
            re.DOTALL | re.MULTILINE,
        )
    )
    for command in cli.COMMANDS:
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
        usage = capsys.readouterr().out
        options = set(re.findall(r"(?<![\w-])--[a-z-]+", usage)) - {"--help"}
        missing = [one for one in options if one not in sections[command]]
        assert missing == [], command


@pytest.mark.parametrize("package", ["gilscope", "compare", "backends"])
def test_every_public_name_is_in_the_reference(package):
    """docs/reference/api.md names all that the packages export."""
    text = read("docs/reference/api.md")
    names = importlib.import_module(package).__all__
    missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
    assert missing == []


def test_every_module_that_contributors_are_sent_to_is_there():
    known = [str(path.relative_to(ROOT)) for path in ROOT.glob("[a-z]*/**/*.py")]
    named = set(re.findall(r"[\w/]+\.py\b", read("CONTRIBUTING.md")))
    missing = [
        one for one in named if not any(f"/{k}".endswith(f"/{one}") for k in known)
    ]
    assert missing == []
