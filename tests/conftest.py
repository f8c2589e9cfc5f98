"""What all tests share: the option --require-backends and the `backend` fixture."""

import pytest

import backends


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns a skip of a backend into a failure."""
    parser.addoption(
        "--require-backends",
        action="store_true",
        help="fail where a backend is not built, instead of skipping it",
    )


@pytest.fixture(scope="session", params=backends.names())
def backend(request: pytest.FixtureRequest) -> backends.Backend:
    """Return each registered backend in turn; skip the ones that are not built."""
    try:
        return backends.get(request.param)
    except backends.BackendNotBuiltError as error:
        if request.config.getoption("--require-backends"):
            raise
        pytest.skip(str(error))
