"""How the site is built: `make docs`. The pages also read well as files."""

project = "gilscope"
author = "the gilscope authors"
copyright = author  # noqa: A001 - the name that Sphinx asks for.

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# Sources and other files that no page of the site shows are linked to as files.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]

html_theme = "furo"
html_title = "gilscope"
html_static_path = ["images"]
