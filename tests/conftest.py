"""What all tests share: options and fixtures."""

import gc
import importlib.util
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import backends
import gilscope
from gilscope.record import Record

TESTS = Path(__file__).parent
SCHEMAS = TESTS.parent / "gilscope" / "schema"

# A busy machine is no finding, and a run tries what the one before it tried: new
# examples are for tests/fuzz.py.
hypothesis.settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns a skip of a backend into a failure."""
    parser.addoption(
        "--require-backends",
        action="store_true",
        help="fail where a backend is not built, instead of skipping it",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what is rendered now into tests/golden, instead of comparing it",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the tests out of a run of the benchmarks, which would skip each of them."""
    del collection_path
    return True if config.getoption("benchmark_only", default=False) else None


@pytest.fixture(scope="module", autouse=True)
def frozen() -> None:
    """Leave what there is out of the collections of garbage that tests ask for."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", params=backends.names())
def backend(request: pytest.FixtureRequest) -> backends.Backend:
    """Return each registered backend in turn; skip the ones that are not built."""
    try:
        return backends.get(request.param)
    except backends.BackendNotBuiltError as error:
        if request.config.getoption("--require-backends"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def needs_watch() -> None:
    """Skip where no process can be watched."""
    try:
        with gilscope.watch():
            pass
    except gilscope.WatchUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return what compares a text with the file of that name in tests/golden."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def only_our_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pytest that a test starts load no plugin but ours.

    To load those that the suite has takes longer than most tests.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "gilscope.pytest_plugin")


@pytest.fixture(scope="session", autouse=True)
def default_signals() -> Iterator[None]:
    """Let the signals that end a process do so in what is started here.

    A shell has some of them ignored in what it runs in the background, and nohup
    another one. SIGINT raises here too, as it does on a terminal.
    """
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler)}
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            # A handler of Python's is not inherited, unlike that.
            before[number] = signal.signal(number, lambda *_: None)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session", autouse=True)
def held_to_schema() -> Iterator[None]:
    """Hold every result that a test writes as JSON to the schema of its type."""
    if importlib.util.find_spec("jsonschema") is None:
        # It is not there for every Python that is tried.
        yield
        return
    import jsonschema  # noqa: PLC0415

    texts = [path.read_text() for path in SCHEMAS.glob("*.json")]
    schemas = {schema["title"]: schema for schema in map(json.loads, texts)}
    validators = {
        name: jsonschema.Draft202012Validator(schema)
        for name, schema in schemas.items()
    }
    write = Record.to_dict

    def to_dict(self: Record) -> dict[str, object]:
        content = write(self)
        # One without a schema is to be added to docs/schema.py.
        validators[type(self).__name__].validate(content)
        return content

    Record.to_dict = to_dict
    yield
    Record.to_dict = write
