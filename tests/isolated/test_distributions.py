"""The four distributions as files: what is in them, that they build and install."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("backends", "compare", "gilscope")
# What a build leaves in the checkout, and what an interpreter does.
LEFTOVERS = ("__pycache__", "*.so", "*.egg-info", "build", "target", "_double_list.c")


class Distribution(NamedTuple):
    """A distribution, and the files that have to be in it."""

    name: str
    folder: str
    sdist: set[str]
    wheel: set[str]


def list_files(*folders: str) -> set[str]:
    """Return the files below these folders of the checkout, as paths from its root."""
    return {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


# Every file that is packed has to be here, and none that is not. {abi} stands for
# what an interpreter appends to the name of an extension module.
DISTRIBUTIONS = {
    "gilscope": Distribution(
        "gilscope",
        ".",
        {"CHANGELOG.md", "README.md", *list_files(*PACKAGES, "docs")},
        list_files(*PACKAGES),
    ),
    "cython": Distribution(
        "gilscope_cython",
        "cython_backend",
        {
            "MANIFEST.in",
            "README.md",
            "setup.py",
            "src/double_list.pyx",
            "python/cython_backend/__init__.py",
            "python/cython_backend/_native.pyi",
            "python/cython_backend/py.typed",
        },
        {
            "cython_backend/__init__.py",
            "cython_backend/_native{abi}.so",
            "cython_backend/_native.pyi",
            "cython_backend/py.typed",
        },
    ),
    "cffi": Distribution(
        "gilscope_cffi",
        "cffi_backend",
        {
            "README.md",
            "build_ffi.py",
            "setup.py",
            "src/double_list.c",
            "src/double_list.h",
            "python/cffi_backend/__init__.py",
            "python/cffi_backend/_native.py",
            "python/cffi_backend/py.typed",
        },
        {
            "cffi_backend/__init__.py",
            "cffi_backend/_double_list{abi}.so",
            "cffi_backend/_native.py",
            "cffi_backend/py.typed",
        },
    ),
    "pyo3": Distribution(
        "gilscope_pyo3",
        "pyo3_backend",
        {
            "Cargo.lock",
            "Cargo.toml",
            "README.md",
            "build.rs",
            "rustfmt.toml",
            "src/lib.rs",
            "python/pyo3_backend/__init__.py",
            "python/pyo3_backend/_native.pyi",
            "python/pyo3_backend/py.typed",
        },
        {
            "pyo3_backend/__init__.py",
            "pyo3_backend/_native{abi}.so",
            "pyo3_backend/_native.pyi",
            "pyo3_backend/py.typed",
        },
    ),
}
EXTRAS = {"cython", "cffi", "pyo3", "all"}
# Rust takes most of a minute to build.
SLOW = pytest.mark.nightly
NEEDS = {"cython": ["cc"], "cffi": ["cc"], "pyo3": ["cargo", "cc"]}


def read_version() -> str:
    """Return the version that the root's pyproject.toml gives."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return content["project"]["version"]


VERSION = read_version()


def run_uv(*arguments: str | Path) -> None:
    """Run uv from what it has in its cache, else from the network."""
    uv = ROOT / ".tools" / "bin" / "uv"
    command = str(uv) if uv.exists() else shutil.which("uv")
    if command is None:
        pytest.skip("no uv, which `make build` installs")
    for offline in (["--offline"], []):
        done = subprocess.run(
            [command, *offline, *map(str, arguments)],
            env={**os.environ, "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
    pytest.fail(f"uv {arguments[0]}: status {done.returncode}\n{done.stderr}")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sources without what earlier builds left among them."""
    place = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns(*LEFTOVERS)
    for name in (*PACKAGES, "docs", *(d.folder for d in DISTRIBUTIONS.values())):
        if name != ".":
            shutil.copytree(ROOT / name, place / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    return place


@pytest.fixture(scope="session")
def sdists(checkout: Path) -> dict[str, Path]:
    """Return the sdist of each distribution."""
    place = checkout / "sdists"
    paths = {}
    for name, distribution in DISTRIBUTIONS.items():
        source = checkout / distribution.folder
        run_uv("build", "--sdist", "--python", sys.executable, "-o", place, source)
        paths[name] = place / f"{distribution.name}-{VERSION}.tar.gz"
    return paths


@pytest.fixture(scope="session")
def wheels(checkout: Path, sdists: dict[str, Path]) -> "Wheels":
    """Return what builds each wheel, from the sdist and not from the checkout."""
    return Wheels(checkout / "wheels", sdists)


class Wheels:
    """The wheels, each built when it is first asked for."""

    def __init__(self, place: Path, sdists: dict[str, Path]) -> None:
        self.place = place
        self.sdists = sdists

    def __getitem__(self, name: str) -> Path:
        """Return the wheel of that distribution."""
        for command in NEEDS.get(name, []):
            if shutil.which(command) is None:
                pytest.skip(f"no {command}")
        pattern = f"{DISTRIBUTIONS[name].name}-{VERSION}-*.whl"
        if not list(self.place.glob(pattern)):
            options = ("--wheel", "--python", sys.executable, "-o", self.place)
            run_uv("build", *options, self.sdists[name])
        (wheel,) = self.place.glob(pattern)
        return wheel


class Venv:
    """An empty environment, in which things are installed and run."""

    def __init__(self, place: Path) -> None:
        self.place = place
        run_uv("venv", "--python", sys.executable, place / "venv")
        (place / "cwd").mkdir()

    def install(self, *requirements: str) -> None:
        """Install these and what they depend on."""
        python = self.place / "venv" / "bin" / "python"
        run_uv("pip", "install", "--python", python, *requirements)

    def run(self, command: str, *arguments: str) -> str:
        """Return what a command of the environment prints, far from the checkout."""
        done = subprocess.run(
            [str(self.place / "venv" / "bin" / command), *arguments],
            cwd=self.place / "cwd",
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """Return an empty environment."""
    return Venv(tmp_path)


def with_slow(*names: str) -> list:
    """Return the names as parameters, that of Rust marked as slow."""
    return [pytest.param(n, marks=SLOW if n == "pyo3" else ()) for n in names]


# --- versions -------------------------------------------------------------------------


def test_all_versions_agree() -> None:
    """One release is one number, wherever it has to be written."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = {}
    for name in ("cython", "cffi"):
        path = f"{name}_backend/pyproject.toml"
        found[path] = tomllib.loads((ROOT / path).read_text())["project"]["version"]
    cargo = tomllib.loads((ROOT / "pyo3_backend/Cargo.toml").read_text())
    found["Cargo.toml"] = cargo["package"]["version"]
    lock = tomllib.loads((ROOT / "pyo3_backend/Cargo.lock").read_text())
    (found["Cargo.lock"],) = [
        package["version"]
        for package in lock["package"]
        if package["name"] == "gilscope-pyo3"
    ]
    for extra in ("cython", "cffi", "pyo3"):
        (requirement,) = root["project"]["optional-dependencies"][extra]
        assert requirement.startswith(f"gilscope-{extra}==")
        found[extra] = requirement.partition("==")[2]
    page = (ROOT / "docs/how-to/guard-a-release-in-ci.md").read_text(encoding="utf-8")
    tags = re.findall(r"\bv(\d+\.\d+\.\d+)\b", page)
    assert len(tags) == 2
    found |= {f"tag {number} of the page": tag for number, tag in enumerate(tags)}
    assert found == dict.fromkeys(found, VERSION)


@pytest.mark.parametrize("name", ["cython", "cffi", "pyo3"])
def test_a_member_has_the_licence_of_the_whole(name: str) -> None:
    """A build looks for it in the member's own folder."""
    path = ROOT / f"{name}_backend" / "LICENSE"
    assert path.read_bytes() == (ROOT / "LICENSE").read_bytes()


# --- contents -------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_sdist_holds_the_sources_and_no_more(
    name: str, sdists: dict[str, Path]
) -> None:
    """Whatever a build needs is in it; nothing that a build makes."""
    distribution = DISTRIBUTIONS[name]
    with tarfile.open(sdists[name]) as sdist:
        paths = [m.name.partition("/")[2] for m in sdist.getmembers() if m.isfile()]
    # Each build tool adds some of its own.
    made = {".gitignore", "PKG-INFO", "setup.cfg", "LICENSE", "pyproject.toml"}
    assert {"PKG-INFO", "LICENSE", "pyproject.toml"} <= set(paths)
    kept = {path for path in paths if ".egg-info/" not in path} - made
    assert kept == distribution.sdist


@pytest.mark.parametrize("name", with_slow(*DISTRIBUTIONS))
def test_a_wheel_built_from_the_sdist_holds_what_is_imported(
    name: str, wheels: Wheels
) -> None:
    """Modules, stubs, py.typed and templates; no source and no test."""
    distribution = DISTRIBUTIONS[name]
    with zipfile.ZipFile(wheels[name]) as wheel:
        paths = {path for path in wheel.namelist() if ".dist-info/" not in path}
    named = {re.sub(r"(\.cpython[^/]*|\.abi3)\.so$", "{abi}.so", p) for p in paths}
    assert named == distribution.wheel


@pytest.mark.parametrize("name", with_slow(*DISTRIBUTIONS))
def test_a_wheel_says_what_it_is(name: str, wheels: Wheels) -> None:
    """Name, version, licence with its text, Python, a README that can be shown."""
    content, licence = read_metadata(wheels[name])
    assert content["Name"].replace("-", "_") == DISTRIBUTIONS[name].name
    assert content["Version"] == VERSION
    assert content["License-Expression"] == "MIT"
    assert content["Requires-Python"] == ">=3.11"
    assert content["Description-Content-Type"].startswith("text/markdown")
    assert content.get_payload()
    assert licence == (ROOT / "LICENSE").read_bytes()
    if name == "gilscope":
        assert set(content.get_all("Provides-Extra")) == EXTRAS


def read_metadata(wheel: Path) -> tuple[Message, bytes]:
    """Return the metadata of a wheel and the text of its licence."""
    with zipfile.ZipFile(wheel) as content:
        (metadata,) = [n for n in content.namelist() if n.endswith("/METADATA")]
        folder = metadata.rpartition("/")[0]
        licence = content.read(f"{folder}/licenses/LICENSE")
        return message_from_bytes(content.read(metadata)), licence


# --- installed ------------------------------------------------------------------------

# A backend by name, and one call.
CALL = """
import sys, backends
for name in sys.argv[1:]:
    result = [None]
    backends.get(name).double_list([1, 2, 3], result, 0)
    print(name, result[0])
"""


def test_wheels_install_into_an_empty_environment(venv: Venv, wheels: Wheels) -> None:
    """With two extras: the command, and the two backends beside pure Python."""
    venv.install(
        f"{wheels['gilscope']}[cython,cffi]", str(wheels["cython"]), str(wheels["cffi"])
    )
    assert venv.run("gilscope", "--version") == f"gilscope {VERSION}\n"
    lines = venv.run("gilscope", "list").splitlines()
    available = [
        line.split()[0] for line in lines if line.rstrip().endswith(" available")
    ]
    assert available == ["python", "cython", "cffi"]
    called = venv.run("python", "-c", CALL, "python", "cython", "cffi")
    assert called.splitlines() == [
        f"{n} [2, 4, 6]" for n in ("python", "cython", "cffi")
    ]


@SLOW
@pytest.mark.parametrize("form", ["sdist", "wheel"])
def test_all_install_from_either_form_with_all_extras(
    form: str, venv: Venv, sdists: dict[str, Path], wheels: Wheels
) -> None:
    """Nothing but these files and what they depend on; then a page is written."""
    files = sdists if form == "sdist" else wheels
    members = [str(files[name]) for name in ("cython", "cffi", "pyo3")]
    venv.install(f"gilscope[all] @ {files['gilscope'].as_uri()}", *members)
    names = ("python", "cython", "cffi", "pyo3")
    called = venv.run("python", "-c", CALL, *names)
    assert called.splitlines() == [f"{name} [2, 4, 6]" for name in names]
    venv.run(
        "gilscope", "run", "--quick", "--scenario", "correctness", "--html", "page.html"
    )
    assert (venv.place / "cwd" / "page.html").stat().st_size > 0


@SLOW
def test_a_member_needs_nothing_of_the_others(venv: Venv, wheels: Wheels) -> None:
    """Each is a package of its own, importable alone."""
    venv.install(*(str(wheels[name]) for name in ("cython", "cffi", "pyo3")))
    for name in ("cython", "cffi", "pyo3"):
        code = f"from {name}_backend import build_info; print(build_info()['profile'])"
        assert venv.run("python", "-c", code) == "release\n"


@SLOW
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_index_would_take_them(
    name: str, sdists: dict[str, Path], wheels: Wheels
) -> None:
    """Checked by the tool that uploads them."""
    files = (sdists[name], wheels[name])
    run_uv(
        "tool", "run", "--python", sys.executable, "twine", "check", "--strict", *files
    )
