"""A backend that was built without optimization, and says so."""

from backends import Backend
from backends.reference import double_list

backend = Backend(
    "debug_build",
    double_list,
    releases_gil=False,
    build_info=lambda: {"profile": "debug"},
)
