"""The fifth backend: what the registry finds by its entry point, or by this name."""

from _capi import build_info, double_list

from backends import Backend

backend = Backend(
    "capi",
    double_list,
    technology="C API, Py_BEGIN_ALLOW_THREADS",
    build_info=build_info,
)
