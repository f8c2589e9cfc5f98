"""Bring what the pages quote up to date: regions of the sources, files, output.

`python docs/refresh.py` copies each region without the GIL and each quoted file;
`--samples` also runs the commands whose output is shown, `--samples=WORDS` those that
have these words in them, and `--picture` takes the picture of the README. A test fails
where a quoted region or file is not as its source.

What stands in front of a block says what it holds:

    region: FILE                 between "GIL released" and "GIL held again"
    file: FILE                   all of it
    sample: COMMAND              what the command prints; a first line that starts
                                 with "$" stays above it
    sample: COMMAND -> from TEXT -> to TEXT
                                 the same from the first line with that text up to,
                                 and without, the next line with that text; either
                                 may be left out
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "README.ko.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
)
# Wide enough for every table of the pages.
COLUMNS = 88
PICTURE = ROOT / "docs/images/report.png"
PICTURE_WIDTH = 1000
# The part of the page that the picture shows, by its title, and its backend.
PICTURED = "Who had the GIL?"
PICTURED_BACKEND = "pyo3"
# Leaves the backend's lane and that of the Python code beside it.
LANE_ALONE = """part => {
    const partner = part.querySelector("div > strong");
    partner.parentElement.nextElementSibling.remove();
    partner.parentElement.remove();
    const extra = ":scope > :not(ul, div, svg), ul, h3, details";
    for (const one of part.querySelectorAll(extra))
        if (one.getAttribute("aria-label") != "Legend") one.remove();
    part.style.paddingBlock = "0.5em";
    part.querySelector("ul").style.marginTop = 0;
    for (const one of part.querySelectorAll("li"))
        if (!/held|released/.test(one.textContent)) one.remove();
}"""
# A marker names what the fenced block below it holds.
BLOCK = re.compile(
    r"<!-- (?P<kind>region|file|sample): (?P<what>[^\n]+) -->\n"
    r"(?P<fence>```[^\n]*\n)(?P<body>.*?)```\n",
    re.DOTALL,
)
# The same two comments stand in every source.
REGION = re.compile(
    r"GIL released from here[^\n]*\n(.*?)^[^\n]*GIL held again from here",
    re.DOTALL | re.MULTILINE,
)


def read_region(path: str) -> str:
    """Return what stands between the two comments of a source."""
    found = REGION.search((ROOT / path).read_text(encoding="utf-8"))
    if found is None:
        message = f"{path}: expected the comment 'GIL released from here'"
        raise ValueError(message)
    return textwrap.dedent(found[1])


def run_sample(command: str) -> str:
    """Return what a command of this project prints, between the texts that it names."""
    words, *ends = command.split(" -> ")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603 - the commands stand in our own pages.
        shlex.split(words),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "COLUMNS": str(COLUMNS)},
    )
    # Where this checkout is says nothing to a reader.
    output = done.stdout.replace(f"{ROOT}{os.sep}", "")
    lines = [line.rstrip() for line in output.splitlines()]
    for end in ends:
        which, _, text = end.partition(" ")
        found = [number for number, line in enumerate(lines) if text in line]
        if which not in {"from", "to"} or not found:
            message = f"{words}: expected a line with {text!r}"
            raise ValueError(message)
        lines = lines[found[0] :] if which == "from" else lines[: found[0]]
    return "\n".join(lines).strip("\n") + "\n"


def take_picture() -> None:
    """Run the lecture's program, and take a picture of its timeline."""
    # Of the group test; whoever refreshes text alone need not have it.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_path = Path(folder, "report.html")
        words = [sys.executable, "-m", "gilscope", "run", "--scenario", "handoff"]
        words += ["--backend", PICTURED_BACKEND, "--html", str(page_path)]
        subprocess.run(words, check=True, cwd=ROOT)  # noqa: S603 - it is our own.
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        size = {"width": PICTURE_WIDTH, "height": PICTURE_WIDTH}
        page = browser.new_page(viewport=size, color_scheme="light")
        page.goto(page_path.as_uri())
        part = page.locator("main > section", has_text=PICTURED).last.element_handle()
        part.evaluate(LANE_ALONE)
        part.screenshot(path=str(PICTURE))
        browser.close()


def refresh(text: str, samples: dict[str, str] | None = None) -> str:
    """Return a page with its regions and files, and the given samples, up to date."""

    def fill(block: re.Match[str]) -> str:
        what, body = block["what"], block["body"]
        if block["kind"] == "region":
            body = read_region(what)
        elif block["kind"] == "file":
            body = (ROOT / what).read_text(encoding="utf-8")
        elif samples is not None:
            head = body[: body.startswith("$ ") and body.index("\n") + 1]
            body = head + samples[what] if what in samples else body
        return f"<!-- {block['kind']}: {what} -->\n{block['fence']}{body}```\n"

    return BLOCK.sub(fill, text)


def main() -> None:
    """Refresh the pages in place."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--samples",
        nargs="?",
        const="",
        metavar="WORDS",
        help="run the commands too; those with these words in them",
    )
    parser.add_argument("--picture", action="store_true", help="take the picture")
    arguments = parser.parse_args()
    if arguments.picture:
        take_picture()
    paths = [ROOT / name for name in PAGES if (ROOT / name).exists()]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    samples = None
    if arguments.samples is not None:
        blocks = [block for text in texts.values() for block in BLOCK.finditer(text)]
        commands = {block["what"] for block in blocks if block["kind"] == "sample"}
        samples = {
            command: run_sample(command)
            for command in sorted(commands)
            if arguments.samples in command
        }
    for path, text in texts.items():
        path.write_text(refresh(text, samples), encoding="utf-8")


if __name__ == "__main__":
    main()
