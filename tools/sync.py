"""Install into .venv what a make target needs; say what is left out, and why.

    python3 tools/sync.py [--dev]

Without --dev: gilscope and the backends that can be built here, with what they depend
on. With --dev also what tests, lint and docs need. Only the standard library is used,
and the Python that runs this is the one that .venv gets.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools"
UV = TOOLS / "bin" / "uv"
UV_REQUIREMENT = "uv>=0.9,<1"
COMPILERS = ("cc", "gcc", "clang")


def main() -> int:
    """Do it and return the exit status."""
    left_out = dict(find_obstacles())
    for name, reason in left_out.items():
        say(f"{name} is left out: {reason}")
    if not UV.exists():
        install_uv()
    # What is installed beyond the need stays, or each target would undo another's.
    extent = [] if "--dev" in sys.argv else ["--no-default-groups", "--inexact"]
    return sync(
        *(*extent, "--all-packages", "--all-extras"),
        *(f"--no-install-package={name}" for name in left_out),
    )


def say(message: str) -> None:
    """Tell the person who waits, beside the output of the target."""
    print(f"make: {message}", file=sys.stderr, flush=True)


# --- what can be built ----------------------------------------------------------------


def find_obstacles() -> Iterator[tuple[str, str]]:
    """Yield each member that cannot be built here, with what is to be installed."""
    obstacle = find_obstacle_to_c()
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if obstacle or not headers.exists():
        without_headers = f"no {headers}; on Debian install python3-dev"
        yield "gilscope-cython", obstacle or without_headers
        yield "gilscope-cffi", obstacle or without_headers
    # Rust links with the C compiler.
    obstacle = find_obstacle_to_rust() or obstacle
    if obstacle:
        yield "gilscope-pyo3", obstacle


def find_obstacle_to_c() -> str | None:
    """Return why no C can be compiled, if so."""
    if any(map(shutil.which, COMPILERS)):
        return None
    return "no C compiler; install gcc or clang"


def find_obstacle_to_rust() -> str | None:
    """Return why no Rust can be compiled, if so."""
    cargo = shutil.which(os.environ.get("CARGO", "cargo"))
    if cargo is None:
        return "no cargo; install Rust"
    manifest = tomllib.loads((ROOT / "pyo3_backend" / "Cargo.toml").read_text())
    needed = manifest["package"]["rust-version"]
    done = subprocess.run(
        [cargo, "--version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"\d+\.\d+", done.stdout)
    if found and parse_version(found[0]) >= parse_version(needed):
        return None
    got = found[0] if found else done.stderr.strip() or "no version"
    return f"cargo {needed} or newer is needed, got {got}; update Rust"


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version, to be compared."""
    return tuple(map(int, text.split(".")))


# --- uv -------------------------------------------------------------------------------


def install_uv() -> None:
    """Put uv into .tools, by the pip of this Python or else by one of its own."""
    say("installing uv into .tools")
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = ["--target", str(TOOLS), UV_REQUIREMENT]
    done = subprocess.run(
        [sys.executable, *pip, *target], capture_output=True, check=False
    )
    if done.returncode == 0:
        return
    shutil.rmtree(TOOLS, ignore_errors=True)
    done = subprocess.run([sys.executable, "-m", "venv", TOOLS], check=False)
    if done.returncode != 0:
        shutil.rmtree(TOOLS, ignore_errors=True)
        sys.exit(
            f"make: {sys.executable} has no pip and cannot make a virtual environment; "
            "on Debian install python3-venv"
        )
    subprocess.run([TOOLS / "bin" / "python", *pip, UV_REQUIREMENT], check=True)


def sync(*options: str) -> int:
    """Run `uv sync`; pass on which backend is being built, or all where it fails."""
    started = time.monotonic()
    env = {**os.environ, "UV_NO_PROGRESS": "1"}
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if "CC" not in env and not shutil.which(compiler):
        # Python would be compiled for with what it was compiled with itself.
        env["CC"] = next(filter(None, map(shutil.which, COMPILERS)), compiler)
    where = ("--project", str(ROOT), "--python", sys.executable)
    command = [str(UV), "sync", *where, *options]
    lines = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as uv:
        assert uv.stderr
        for line in uv.stderr:
            lines.append(line)
            match line.split():
                case ["Building", name, "@", _]:
                    say(f"building {name}")
                case ["Built", name, "@", _]:
                    say(f"built {name} after {time.monotonic() - started:.0f} s")
    if uv.returncode != 0:
        sys.stderr.writelines(lines)
    return uv.returncode


if __name__ == "__main__":
    sys.exit(main())
