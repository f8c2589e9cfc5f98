"""Choosing a backend by name: section 2 of what the project promises."""

import subprocess
import sys
import textwrap
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import backends
from backends import (
    Backend,
    BackendLoadError,
    BackendNotBuiltError,
    UnknownBackendError,
    contract,
    reference,
    registry,
)

OWN_NAMES = ("python", "cython", "cffi", "pyo3")


@pytest.fixture
def fresh_registry(monkeypatch):
    """Registrations and loads of one test are gone after it."""
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_loaded", {})


@pytest.fixture
def make_module(tmp_path, monkeypatch):
    """Write a module that can be imported under the given name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


@pytest.fixture
def make_plugin(tmp_path, monkeypatch):
    """Install a distribution that offers one backend as an entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, target):
        info = tmp_path / f"plugin_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: plugin-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[{registry.ENTRY_POINT_GROUP}]\n{name} = {target}\n"
        )

    return write


def test_names_are_in_registry_order():
    """names() lists the project's own backends in their fixed order."""
    assert backends.names()[:4] == OWN_NAMES


def test_available_names_load():
    """available() lists a subset of names(), in the same order, that get() gives."""
    found = backends.available()
    assert list(found) == [name for name in backends.names() if name in found]
    assert "python" in found
    for name in found:
        assert backends.get(name).name == name


def test_get_returns_the_same_backend_each_time():
    """A backend is loaded once."""
    assert backends.get("python") is backends.get("python")
    assert backends.get("python").double_list is reference.double_list


def test_python_declares_that_it_holds():
    """Pure Python cannot release the GIL and says so; the native ones declare it."""
    declared = {spec.name: spec.releases_gil for spec in registry._SPECS}
    assert declared == {"python": False, "cython": True, "cffi": True, "pyo3": True}


def test_unknown_name_says_which_exist_and_the_nearest():
    """A wrong name is a LookupError that says what would have been right."""
    with pytest.raises(UnknownBackendError) as caught:
        backends.get("pyo")
    assert isinstance(caught.value, LookupError)
    assert str(caught.value) == (
        f"unknown backend 'pyo': expected one of {', '.join(backends.names())}; "
        "did you mean 'pyo3'?"
    )


@pytest.mark.parametrize("name", ["", ":", "module:", ":attribute", "a:b:c"])
def test_malformed_name_is_unknown(name):
    """What has not the form "package.module:attribute" is looked for as a name."""
    with pytest.raises(UnknownBackendError):
        backends.get(name)


def test_name_of_a_wrong_type_is_refused():
    """A name that is no text is a TypeError, not a failed look-up."""
    with pytest.raises(TypeError, match=r"^get\(\) name: expected str, got int$"):
        backends.get(3)


def test_get_by_module_and_attribute(fresh_registry, make_module):
    """A path gives the Backend it names, or wraps the function it names."""
    make_module(
        "own_backends",
        """
        from backends import Backend
        from backends.reference import double_list
        wrapped = Backend("mine", double_list, releases_gil=False)
        class holder:
            inner = staticmethod(double_list)
        """,
    )
    assert backends.get("own_backends:wrapped").name == "mine"
    bare = backends.get("own_backends:holder.inner")
    assert bare.name == "own_backends:holder.inner"
    assert bare.double_list is reference.double_list
    assert bare.releases_gil is True
    assert bare.build_info() == {}


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("no_such_module_here:backend", ModuleNotFoundError),
        ("backends.reference:no_such_attribute", AttributeError),
        ("backends.reference:VALUE_MAX", None),
    ],
)
def test_path_that_does_not_load_keeps_its_cause(path, cause):
    """A path that leads nowhere is a BackendLoadError with the cause kept."""
    with pytest.raises(BackendLoadError) as caught:
        backends.get(path)
    assert isinstance(caught.value, ImportError)
    assert path in str(caught.value)
    assert type(caught.value.__cause__) is (type(None) if cause is None else cause)


def test_path_to_something_else_says_what_came():
    """A path to what is neither a Backend nor a function says so."""
    with pytest.raises(BackendLoadError, match="expected a Backend or a function, got"):
        backends.get("backends.reference:VALUE_MAX")


def spec_of(module, *tools):
    return registry.BackendSpec("fake", module, "a fake", tools=tools)


def test_missing_native_module_is_not_built(fresh_registry, monkeypatch):
    """A member that is a bare folder is not built; the message says the command."""
    specs = (spec_of("cython_backend._no_such_module"),)
    monkeypatch.setattr(registry, "_SPECS", specs)
    with pytest.raises(BackendNotBuiltError) as caught:
        backends.get("fake")
    assert isinstance(caught.value, ImportError)
    assert str(caught.value) == "backend 'fake' is not built: run: make build"


def test_the_command_works_in_the_current_folder(fresh_registry, monkeypatch, tmp_path):
    """Elsewhere than in the checkout, make is told where that is."""
    monkeypatch.setattr(
        registry, "_SPECS", (spec_of("cython_backend._no_such_module"),)
    )
    monkeypatch.chdir(tmp_path)
    root = Path(registry.__file__).parents[1]
    with pytest.raises(BackendNotBuiltError) as caught:
        backends.get("fake")
    assert str(caught.value).endswith(f"run: make -C '{root}' build")


def test_an_installed_distribution_has_nothing_to_make(fresh_registry, monkeypatch):
    """Without a checkout the command installs the member's distribution."""
    specs = (spec_of("cython_backend._no_such_module"),)
    monkeypatch.setattr(registry, "_SPECS", specs)
    monkeypatch.setattr(registry, "__file__", "/elsewhere/backends/registry.py")
    with pytest.raises(
        BackendNotBuiltError, match="installed: run: pip install 'gilscope"
    ):
        backends.get("fake")


def test_missing_tool_is_named(fresh_registry, monkeypatch):
    """Where the tool to build with is missing, the message says what to install."""
    tool = registry.Tool(("no-such-compiler",), "a compiler that is not there")
    specs = (spec_of("cython_backend._no_such_module", tool),)
    monkeypatch.setattr(registry, "_SPECS", specs)
    with pytest.raises(BackendNotBuiltError) as caught:
        backends.get("fake")
    assert str(caught.value) == (
        "backend 'fake' is not built: "
        "install a compiler that is not there, then run: make build"
    )
    assert "fake" not in backends.available()


def test_failing_import_keeps_its_cause(fresh_registry, make_module, monkeypatch):
    """A built module that fails on import is a BackendLoadError, never a fallback."""
    make_module("broken_backend", "raise OSError('libwhatever.so.1: not found')")
    monkeypatch.setattr(registry, "_SPECS", (spec_of("broken_backend"),))
    with pytest.raises(BackendLoadError) as caught:
        backends.get("fake")
    assert str(caught.value) == (
        "backend 'fake' failed to load: OSError: libwhatever.so.1: not found"
    )
    assert isinstance(caught.value.__cause__, OSError)


def test_missing_dependency_of_a_member_is_a_load_error(
    fresh_registry, make_module, monkeypatch
):
    """A module missing elsewhere is no reason to build the member again."""
    make_module("needy_backend", "import no_such_dependency_of_it")
    monkeypatch.setattr(registry, "_SPECS", (spec_of("needy_backend"),))
    with pytest.raises(BackendLoadError) as caught:
        backends.get("fake")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_registered_backend_is_had_by_its_name(fresh_registry):
    """register() adds a backend after the project's own."""
    mine = Backend("mine", reference.double_list)
    backends.register(mine)
    assert backends.names()[4] == "mine"
    assert backends.get("mine") is mine


@pytest.mark.parametrize("name", ["python", "mine"])
def test_name_cannot_be_taken_twice(fresh_registry, name):
    """A second backend of the same name is refused and changes nothing."""
    mine = Backend("mine", reference.double_list)
    backends.register(mine)
    with pytest.raises(ValueError, match=f"the name '{name}' is taken"):
        backends.register(Backend(name, print))
    assert backends.get("mine") is mine
    assert backends.get("python").double_list is reference.double_list


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (print, TypeError, "expected Backend, got builtin_function_or_method"),
        (Backend("a:b", print), ValueError, "expected a name without ':', got 'a:b'"),
    ],
)
def test_register_refuses_what_it_cannot_keep(fresh_registry, value, error, text):
    """register() says what was wrong, what was expected and what came."""
    with pytest.raises(error, match=text):
        backends.register(value)


def test_entry_point_is_listed_last_and_loaded_when_asked_for(
    fresh_registry, make_module, make_plugin
):
    """A plug-in's backend is had by its name without any registration."""
    make_module(
        "plugin_module",
        """
        from backends import Backend
        from backends.reference import double_list
        backend = Backend("fifth", double_list)
        """,
    )
    make_plugin("fifth", "plugin_module:backend")
    assert backends.names() == (*OWN_NAMES, "fifth")
    assert "plugin_module" not in sys.modules
    assert backends.get("fifth").double_list is reference.double_list


def test_entry_point_of_a_taken_name_is_ignored_aloud(fresh_registry, make_plugin):
    """A plug-in cannot take the place of another backend silently."""
    make_plugin("python", "somewhere:else")
    with pytest.warns(RuntimeWarning, match="'python' is taken"):
        assert backends.names() == OWN_NAMES


def test_importing_backends_imports_no_backend():
    """Importing the package loads no implementation and nothing heavy."""
    code = """
        import sys
        before = set(sys.modules)
        import backends
        heavy = {"dataclasses", "typing", "inspect", "importlib.metadata"}
        loaded = set(sys.modules) - before
        assert not heavy & loaded, heavy & loaded
        assert not any("_native" in name or "reference" in name for name in loaded)
        backends.names()
        assert "backends.reference" not in sys.modules
        assert "pyo3_backend" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_missing_attribute_is_an_attribute_error():
    """The package does not swallow a misspelt name."""
    with pytest.raises(AttributeError, match="no attribute 'getname'"):
        _ = backends.getname
    assert set(backends.__all__) <= set(dir(backends))


def test_backend_is_frozen():
    """A Backend cannot be changed after it was made."""
    backend = Backend("mine", reference.double_list)
    with pytest.raises(FrozenInstanceError):
        backend.name = "other"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": 3}, "Backend() name: expected str, got int"),
        ({"double_list": 3}, "Backend() double_list: expected callable, got int"),
        ({"releases_gil": 1}, "Backend() releases_gil: expected bool, got int"),
        ({"technology": None}, "Backend() technology: expected str, got NoneType"),
        ({"build_info": {}}, "Backend() build_info: expected callable, got dict"),
    ],
)
def test_backend_refuses_fields_of_a_wrong_type(fields, text):
    """A wrong field is refused where it is given."""
    with pytest.raises(TypeError) as caught:
        Backend(**{"name": "mine", "double_list": print, **fields})
    assert str(caught.value) == text


def test_backend_needs_a_name():
    """An empty name could not be asked for."""
    with pytest.raises(ValueError, match="at least one character"):
        Backend("", print)


def test_bounds_are_those_of_a_signed_64_bit_integer():
    """VALUE_MIN and VALUE_MAX bound an item and its double."""
    assert (backends.VALUE_MIN, backends.VALUE_MAX) == (-(2**63), 2**63 - 1)
    assert (contract.VALUE_MIN, contract.VALUE_MAX) == (
        reference.VALUE_MIN,
        reference.VALUE_MAX,
    )
