"""The command `gilscope`: the only part that prints.

The report goes to standard output, everything else to standard error. Exit status: 0
all well, 1 something is wrong, 2 usage, 3 could not tell.
"""

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from gilscope.clean import clean_text
from gilscope.cli.output import (
    OK,
    UNSURE,
    USAGE,
    WRONG,
    UsageError,
    check_files,
    note,
    say,
    write,
)
from gilscope.environment import read_version

__all__ = ["OK", "UNSURE", "USAGE", "WRONG", "main"]


# The module of each command, and the question that it answers. The module has
# `run_NAME(arguments) -> exit status` and `NAME`, its arguments as data. It is imported
# only when its command is asked for: the instrument knows nothing of the harness
# otherwise.
COMMANDS = {
    "check": ("gilscope.cli.check", "does a statement release the GIL?"),
    "measure": (
        "gilscope.cli.measure",
        "what does a statement gain from threads, and cost beside Python code?",
    ),
    "imports": (
        "gilscope.cli.imports",
        "what does an import do to the GIL, and which modules can release it?",
    ),
    "watch": ("gilscope.cli.watch", "who holds the GIL in a program?"),
    "compare": (
        "compare.cli.compare",
        "which of several statements is right, fast and releases the GIL?",
    ),
    "run": ("compare.cli.run", "what does each backend do to the GIL?"),
    "demo": ("compare.cli.demo", "who has the GIL in the lecture?"),
    "list": ("compare.cli.run", "which backends are there?"),
    "sweep": (
        "compare.cli.run",
        "from which amount of work does releasing the GIL pay?",
    ),
    "diff": ("compare.cli.diff", "what changed between two results?"),
    "gather": ("compare.cli.diff", "how do results of many environments differ?"),
}
# What to try first. A command has to be copied whole, so no line of these is wrapped.
EXAMPLES = {
    "check": "-s 'import zlib' 'zlib.crc32(bytes(100_000))'",
    "measure": "--size 10,1000 'sum(range({size}))'",
    "imports": "json hashlib",
    "watch": "--over 20ms server.py",
    "compare": "'sum(range(1000))' 'sum(n for n in range(1000))'",
    "run": "--quick --backend python",
    "demo": "--quick python",
    "sweep": "--quick --backend python",
    "diff": "before.json after.json",
    "gather": "3.11.json 3.14t.json",
}
SHELLS = ("bash", "zsh", "tcsh")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    if not words:
        make_parser().print_help()
        return OK
    if not words[0].startswith("-") and words[0] not in COMMANDS:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1, cutoff=0.5)
        hint = f"did you mean: gilscope {near[0]}" if near else "see: gilscope --help"
        names = ", ".join(COMMANDS)
        say(f"unknown command {words[0]!r}: expected one of {names}; {hint}")
        return USAGE
    parser = make_parser(words[0])
    arguments = parser.parse_args(words)
    if arguments.print_completion:
        # Nobody else waits for it to be imported.
        import shtab  # noqa: PLC0415

        write(shtab.complete(make_parser("all"), arguments.print_completion))
        return OK
    if "run" not in arguments:
        parser.error("expected a command, got none")
    try:
        check_files(arguments)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except (UsageError, LookupError) as error:
        say(str(error))
        return USAGE
    return status


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with an argument, and where the rest is told."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse an unknown option where its neighbours are known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = difflib.get_close_matches(unknown[0], self._option_string_actions)
            hint = f", did you mean {near[0]}?" if near else ""
            self.error(f"unexpected {unknown[0]!r}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Leave with the message."""
        text = message.removeprefix("argument ").replace(
            "the following arguments are required:", "expected"
        )
        note(clean_text(f"{self.prog}: {text}; see: {self.prog} --help", keep=""))
        self.exit(USAGE)


def make_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """Return the parser; only the command asked for has its options, or "all" have."""
    parser = Parser(
        "gilscope",
        description="Does a call release the GIL? Who holds it? Evidence, not timing.",
        epilog=f"try: gilscope check {EXAMPLES['check']}",
    )
    version = f"gilscope {read_version()}"
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument(
        "--print-completion",
        choices=SHELLS,
        help="print what completes the command in a shell: "
        'eval "$(gilscope --print-completion bash)"',
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, (path, question) in COMMANDS.items():
        one = commands.add_parser(
            name,
            help=question,
            description=question[0].upper() + question[1:],
            epilog=f"try: gilscope {name} {EXAMPLES[name]}"
            if name in EXAMPLES
            else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if asked in (name, "all"):
            module = importlib.import_module(path)
            one.usage = getattr(module, "USAGE", None)
            one.set_defaults(run=getattr(module, f"run_{name}"))
            for names, how in getattr(module, name.upper()).items():
                one.add_argument(*names.split(), **how)
    return parser
