"""The four sources can be laid side by side: read as text, they say the same."""

import inspect
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest

import backends
from backends import contract, reference

ROOT = Path(__file__).parents[2]

# A source is one file, except that of cffi, which has a half on either side.
SOURCES = {
    "python": ["backends/reference.py"],
    "cython": ["cython_backend/src/double_list.pyx"],
    "cffi": [
        "cffi_backend/python/cffi_backend/_native.py",
        "cffi_backend/src/double_list.c",
    ],
    "pyo3": ["pyo3_backend/src/lib.rs"],
}
HEADINGS = {
    "1": "Bounds",
    "2": "Read: list to int64 buffer, GIL held",
    "3": "Kernel: no Python object, GIL released",
    "4": "Write: int64 buffer to list, GIL held",
    "5": "The contract",
    "6": "Build facts",
}
NAMES = {
    "1": ["VALUE_MIN", "VALUE_MAX"],
    "2": ["read_values"],
    "3": ["double_values"],
    "4": ["write_values"],
    "5": ["double_list"],
    "6": ["build_info"],
}
REGION = ["GIL released from here.", "GIL held again from here."]
# What every docstring says in its own way.
OWN_SECTIONS = {"Threads"}

# Differences that are known, each with its reason. One that closes fails.
KNOWN_GAPS = {
    ("python", "heading 3"): "pure Python has no kernel without Python objects",
    ("python", "threads"): "pure Python cannot release the GIL",
}


def read_source(name: str) -> str:
    """Return all files of the source of that backend."""
    return "\n".join((ROOT / path).read_text() for path in SOURCES[name])


def find_headings(text: str) -> list[tuple[str, str]]:
    """Return number and words of each section heading, in order."""
    pattern = r"^(?:#|//|/\*) --- (\d) (.+?) -+(?: \*/)?$"
    return re.findall(pattern, text, flags=re.MULTILINE)


def find_section(text: str, number: str) -> str:
    """Return the text below all headings of that number."""
    parts = re.split(r"^(?:#|//|/\*) --- (\d) .+$", text, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return "\n".join(body for found, body in pairs if found == number)


def find_docstring(name: str) -> str:
    """Return the docstring of double_list as it stands in the source."""
    text = find_section(read_source(name), "5")
    if name == "pyo3":
        lines = text.split("#[pyfunction]")[0].splitlines()
        return "\n".join(line[4:] for line in lines if line.startswith("///"))
    found = re.search(r'def double_list\(.+?"""(.+?)"""', text, flags=re.DOTALL)
    assert found
    return inspect.cleandoc(found[1])


def split_docstring(docstring: str) -> dict[str, str]:
    """Return the sections of a docstring by their names."""
    parts = re.split(r"^(\w+):\n", docstring, flags=re.MULTILINE)
    sections = {"": parts[0].strip()}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        sections[name] = textwrap.dedent(body).strip()
    return sections


def agrees(name: str, what: str, *, holds: bool) -> None:
    """Assert that it holds, or that it is a known gap and is still open."""
    gap = KNOWN_GAPS.get((name, what))
    if gap is None:
        assert holds, f"{name}: {what} differs"
    else:
        assert not holds, f"{name}: the gap of {what} closed ({gap})"


@pytest.fixture(params=SOURCES)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of each backend of this project."""
    return request.param


def test_all_own_backends_are_read() -> None:
    """The table of sources is that of the registry."""
    assert tuple(SOURCES) == backends.names()[: len(SOURCES)]


def test_known_gaps_are_of_known_backends() -> None:
    """No gap stands for a backend that is gone."""
    assert {name for name, _ in KNOWN_GAPS} <= set(SOURCES)


def test_headings(name: str) -> None:
    """Each source has the same sections under the same headings, in order."""
    for path in SOURCES[name]:
        numbers = [number for number, _ in find_headings((ROOT / path).read_text())]
        assert numbers == sorted(set(numbers), key=int)
    headings = find_headings(read_source(name))
    assert {number for number, _ in headings} == set(HEADINGS)
    for number, heading in HEADINGS.items():
        words = [said for found, said in headings if found == number]
        # The C half says what it has of a section.
        holds = all(said.startswith(heading) for said in words)
        agrees(name, f"heading {number}", holds=holds)


def test_names_in_order(name: str) -> None:
    """Each section of each source defines the names of its row."""
    text = read_source(name)
    for number, expected in NAMES.items():
        section = find_section(text, number)
        for wanted in expected:
            definition = rf"(?:\b(?:fn|c?def|const|define)\b.*\b|^\*?){wanted}\b"
            assert re.search(definition, section, flags=re.MULTILINE), (name, wanted)


def test_region_comments(name: str) -> None:
    """The released region stands between the same two comments everywhere."""
    body = find_section(read_source(name), "5")
    found = re.findall(r"(?:#|//) (GIL (?:released|held again) .+)", body)
    assert found == REGION


def test_region_holds_the_kernel(name: str) -> None:
    """Between the two comments the kernel runs, and nothing is read or written."""
    body = find_section(read_source(name), "5")
    region = body.split(REGION[0])[1].split(REGION[1])[0]
    assert re.search(r"\b(run_kernel|double_values)\b", region)
    before, after = body.split(REGION[0])[0], body.split(REGION[1])[1]
    assert "read_values(" in before
    assert "write_values(" in after
    assert not re.search(r"\b(read|write)_values\b", region)


def test_arguments(name: str) -> None:
    """The arguments have the same names, order and defaults."""
    backend = load(name)
    expected = inspect.signature(reference.double_list)
    signature = inspect.signature(backend.double_list)
    described = [(p.name, p.kind, p.default) for p in signature.parameters.values()]
    assert described == [
        (p.name, p.kind, p.default) for p in expected.parameters.values()
    ]


def load(name: str) -> backends.Backend:
    """Return the backend, or skip where it is not built."""
    try:
        return backends.get(name)
    except backends.BackendNotBuiltError as error:
        pytest.skip(str(error))


def test_docstrings(name: str) -> None:
    """The docstrings in the sources say the same, but for who releases the GIL."""
    expected = split_docstring(find_docstring("cython"))
    sections = split_docstring(find_docstring(name))
    assert [*sections] == ["", "Args", "Raises", "Threads", "Source"] == [*expected]
    for title in sections:
        if title not in OWN_SECTIONS:
            assert sections[title] == expected[title], title
    agrees(name, "threads", holds=sections["Threads"] == expected["Threads"])


def test_docstring_is_shown(name: str) -> None:
    """What help() shows is what stands in the source."""
    double_list: Any = load(name).double_list
    assert inspect.cleandoc(double_list.__doc__) == find_docstring(name).strip()


def test_modules_have_the_public_names(name: str) -> None:
    """Each module has the four public names, and the package gives them on."""
    load(name)
    public = ["VALUE_MAX", "VALUE_MIN", "build_info", "double_list"]
    if name == "python":
        assert all(hasattr(reference, member) for member in public)
        return
    package = __import__(f"{name}_backend")
    assert sorted(package.__all__) == public
    for member in public:
        assert getattr(package, member) is getattr(package._native, member)
    assert package.VALUE_MIN == backends.VALUE_MIN
    assert package.VALUE_MAX == backends.VALUE_MAX


def find_words(text: str) -> str:
    """Return the words of a message or a source, without what is put into it."""
    # Adjacent literals and continued lines are one text.
    joined = re.sub(r'"\s*\n?\s*f?"', "", text)
    joined = re.sub(r"\s*\\\n\s*", " ", joined)
    return re.sub(r"\{[^{}\n\"]*\}", "{}", joined)


SENTENCES = [
    "INDEX_OUTSIDE",
    "PASSES_TOO_FEW",
    "SECONDS_OUTSIDE",
    "DOUBLE_TOO_LARGE",
    "ITEM_NOTE",
]


@pytest.mark.parametrize("template", SENTENCES)
def test_messages(name: str, template: str) -> None:
    """Each source has each message of contract.py, word for word."""
    words = find_words(getattr(contract, template))
    assert words in find_words(read_source(name))


def test_all_templates_are_compared() -> None:
    """No sentence of contract.py is left out above."""
    texts = {
        name
        for name, value in vars(contract).items()
        if isinstance(value, str) and "{" in value
    }
    assert texts == set(SENTENCES)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (([1],), {}),
        (([1], [0]), {}),
        (([1], [0], 0, 1), {}),
        (([1], [0], 0), {"other": 1}),
        (([1], [0], 0), {"values": [1]}),
    ],
)
def test_calls_that_do_not_fit(
    name: str, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    """A call that does not fit the signature is a TypeError."""
    call: Any = load(name).double_list
    with pytest.raises(TypeError):
        call(*args, **kwargs)


def test_build_info(name: str) -> None:
    """Each build_info() has the facts that the report reads, of a release build."""
    info = load(name).build_info()
    assert [*info] == ["profile", "compiler", "version", "free_threaded"]
    assert info["profile"] == ("interpreted" if name == "python" else "release")
    assert info["free_threaded"] is reference.build_info()["free_threaded"]
    assert info["compiler"]
    assert info["version"]


def test_native_sources_stand_alone(name: str) -> None:
    """No source imports backends: each reads and installs on its own."""
    if name != "python":
        assert not re.search(
            r"^\s*(?:from|c?import) backends", read_source(name), re.MULTILINE
        )


def test_sources_are_short(name: str) -> None:
    """No file is over 300 lines, and no line over 88 columns."""
    for path in SOURCES[name]:
        lines = (ROOT / path).read_text().splitlines()
        assert len(lines) <= 300, path
        for line in lines:
            assert len(line) <= 88, (path, line)


def test_sources_use_public_api_alone(name: str) -> None:
    """Nothing is used that the interpreter or the language does not vouch for."""
    source = re.sub(r"(?:#|//|/\*).*", "", read_source(name))
    assert not re.search(r"\b_Py|\bPy_TYPE|ob_digit|lv_tag|ob_item|ffi::", source)
    assert not re.search(r"\bunsafe\s*(?:\{|fn|extern|impl)", source)
    if name == "pyo3":
        assert "#![forbid(unsafe_code)]" in read_source(name)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_c_compiles_without_a_warning(compiler: str) -> None:
    """The C source is clean, whatever the build says of warnings."""
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    source = ROOT / "cffi_backend/src/double_list.c"
    flags = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    flags += ["-Wconversion", "-Wmissing-prototypes"]
    done = subprocess.run(
        [compiler, *flags, "-fsyntax-only", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
