"""Who imports whom: one direction and no circle, in functions too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gilscope", "backends", "compare")
# What a package may know besides itself (spec of the three parts).
MAY_KNOW = {"gilscope": set(), "backends": set(), "compare": {"gilscope", "backends"}}
# Data: to and from JSON, shown by others.
DATA = (
    "gilscope.record",
    "gilscope.model",
    "gilscope.stats",
    "gilscope.watcher.model",
    "compare.model",
)
SHOWS = {"render", "cli", "rich"}


def name_module(path: Path) -> str:
    """Return the name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    name_module(path): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def find_imports(tree: ast.AST) -> Iterator[str]:
    """Yield every name that is imported, in functions too, but for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from find_imports(node)


def find_module(name: str) -> str:
    """Return the module that an imported name is, or is taken from."""
    return name if name in FILES else name.rpartition(".")[0]


def read_imports(module: str) -> set[str]:
    """Return the modules that a module imports."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    return {find_module(name) for name in find_imports(tree)} - {module}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Return what each module imports."""
    return {module: read_imports(module) for module in FILES}


def test_there_is_something_to_look_at() -> None:
    """All three packages, and what is imported within a function."""
    assert {module.partition(".")[0] for module in FILES} == {*PACKAGES}
    tree = ast.parse("def f():\n    if x:\n        from compare import run, plan\n")
    assert [*map(find_module, find_imports(tree))] == ["compare.run", "compare.plan"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_knows_none_above_it(
    package: str, imports: dict[str, set[str]]
) -> None:
    """Neither `gilscope` nor `backends` imports anything of the other two."""
    foreign = {*PACKAGES} - MAY_KNOW[package] - {package}
    found = [
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in sorted(names)
        if module.partition(".")[0] == package and name.partition(".")[0] in foreign
    ]
    assert found == []


def test_data_knows_nothing_that_shows_it(imports: dict[str, set[str]]) -> None:
    """No type of a result imports a renderer or a command."""
    found = [
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in sorted(names)
        if module.startswith(DATA) and SHOWS & {*name.split(".")}
    ]
    assert found == []


def find_circles(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules that are left when those that import none of the rest go."""
    left = {module: names & graph.keys() for module, names in graph.items()}
    while free := [module for module, names in left.items() if not names]:
        for module in free:
            del left[module]
        for names in left.values():
            names.difference_update(free)
    # Those that only import a circle are not in it.
    while free := {*left} - {name for names in left.values() for name in names}:
        for module in free:
            del left[module]
    return sorted(left)


def test_a_circle_is_found() -> None:
    """And whoever only imports it, or is imported by it, is not in it."""
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"d"}}
    assert find_circles(graph) == ["b", "c"]


def test_no_module_imports_itself_by_way_of_others(
    imports: dict[str, set[str]],
) -> None:
    """An import within a function counts: it is no way around a circle."""
    assert find_circles(imports) == []


# What a scenario or a main module is asked for has the same name in each.
INTERFACES = {"main", "run", "describe", "describe_doubts", "find_contradictions"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_classes_or_functions_of_a_package_share_a_name(package: str) -> None:
    bearers: dict[str, list[str]] = {}
    for module, path in FILES.items():
        if not module.startswith(package):
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = getattr(node, "name", "_")
            if not name.startswith("_"):
                bearers.setdefault(name, []).append(module)
    shared = {name: found for name, found in bearers.items() if len(found) > 1}
    assert not {name: shared[name] for name in shared.keys() - INTERFACES}
