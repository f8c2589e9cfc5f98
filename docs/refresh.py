"""Bring what the READMEs quote up to date: regions of the sources, output of commands.

`python docs/refresh.py` copies the region without the GIL out of each source;
`--samples` also runs the commands whose output is shown. A test fails where a quoted
region is not the source's.
"""

import argparse
import re
import shlex
import subprocess
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "README.ko.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
)

# A marker names what the fenced block below it holds.
BLOCK = re.compile(
    r"<!-- (?P<kind>region|sample): (?P<what>[^\n]+) -->\n"
    r"(?P<fence>```[^\n]*\n)(?P<body>.*?)```\n",
    re.DOTALL,
)
# The same two comments stand in every source.
REGION = re.compile(
    r"^[^\n]*GIL released from here.*?GIL held again from here[^\n]*\n",
    re.DOTALL | re.MULTILINE,
)


def read_region(path: str) -> str:
    """Return what stands between the two comments of a source, both included."""
    found = REGION.search((ROOT / path).read_text(encoding="utf-8"))
    if found is None:
        message = f"{path}: expected the comment 'GIL released from here'"
        raise ValueError(message)
    return textwrap.dedent(found.group())


def run_sample(command: str) -> str:
    """Return what a command of this project prints."""
    done = subprocess.run(  # noqa: S603 - the commands stand in our own README.
        shlex.split(command), stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


def refresh(text: str, samples: dict[str, str] | None = None) -> str:
    """Return a README with its regions, and the given samples, up to date."""

    def fill(block: re.Match[str]) -> str:
        what, body = block["what"], block["body"]
        if block["kind"] == "region":
            body = read_region(what)
        elif samples is not None:
            body = samples[what]
        return f"<!-- {block['kind']}: {what} -->\n{block['fence']}{body}```\n"

    return BLOCK.sub(fill, text)


def main() -> None:
    """Refresh the READMEs in place."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", action="store_true", help="run the commands too")
    arguments = parser.parse_args()
    paths = [ROOT / name for name in PAGES if (ROOT / name).exists()]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    samples = None
    if arguments.samples:
        blocks = [block for text in texts.values() for block in BLOCK.finditer(text)]
        commands = {block["what"] for block in blocks if block["kind"] == "sample"}
        samples = {command: run_sample(command) for command in sorted(commands)}
    for path, text in texts.items():
        path.write_text(refresh(text, samples), encoding="utf-8")


if __name__ == "__main__":
    main()
