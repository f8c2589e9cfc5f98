"""Write the JSON Schemas that are shipped, and docs/reference/json.md, from the types.

`python docs/schema.py` writes them; a test fails where they are not those of the types.
"""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

from compare.comparing import Compared, Diff
from compare.model import Report
from compare.statements import Comparison
from gilscope.files import write_file
from gilscope.measurement import Measurement
from gilscope.model import Audit, Check, ModuleImport
from gilscope.record import SCHEMA, Record, read_hints
from gilscope.watcher.model import WatchReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "gilscope" / "schema"
PAGE = ROOT / "docs" / "reference" / "json.md"

# What writes it, and the type of what is written.
RECORDS: dict[str, tuple[str, type[Record]]] = {
    "report": ("gilscope run, sweep", Report),
    "check": ("gilscope check", Check),
    "diff": ("gilscope diff", Diff),
    "compared": ("gilscope gather", Compared),
    "audit": ("pytest --gil-audit-json", Audit),
    "measurement": ("gilscope measure", Measurement),
    "comparison": ("gilscope compare", Comparison),
    "watch": ("gilscope watch", WatchReport),
    "import": ("gilscope imports", ModuleImport),
}

HEAD = f"""\
# JSON

What `--json FILE` writes and `Report.from_json()` reads is schema {SCHEMA}. This page
and the JSON Schemas that are shipped in `gilscope/schema/` are made from the types by
`python docs/schema.py`.

- A duration ends in `_s` and is in seconds. A count begins with `n_`. A field that
  could not be measured is `null`.
- Every figure is an object of three numbers: `value` is the median of the rounds, `low`
  and `high` are the range in which that median lies by the sign test.
- A fraction is between 0 and 1.
- A file is written whole or not at all: until all of the new one is on the disk, the
  old one stays.

## Reading

`Report.from_json()` reads schema 1, which gilscope 0.1 wrote, and schema {SCHEMA}.
Unknown fields are left out: a later version may add some without another schema. A
field that is missing or of another type is refused, as are a name that stands twice, an
unknown scenario, a number that is none, more than 100 levels and more than 64 million
characters. The command then ends with exit status 2 and one line that says
where, such as:

```text
report.backends[1].parallel.rows[0].speedup.low: expected a number, got 'fast'
```

What schema 1 does not have, the range of the busy thread's speed, becomes the range
that is certain; the `effective_cores` of the held control become `null`.
"""


def make_schema(kind: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema of what to_dict() of a record gives."""
    kinds: dict[str, Any] = {}
    body = describe_dataclass(kind, kinds)
    body["properties"] = {"schema": {"const": SCHEMA}, **body["properties"]}
    body["required"] = ["schema", *body["required"]]
    return {"$schema": DIALECT, "title": kind.__name__, **body, "$defs": kinds}


def describe_dataclass(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one dataclass; those that it needs go into `kinds`."""
    hints = read_hints(kind)
    texts = read_attributes(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return {
        "description": kind.__doc__.partition("\n")[0],
        "type": "object",
        "properties": {
            name: describe_type(hints[name], kinds)
            | ({"description": texts[name]} if name in texts else {})
            for name in names
        },
        "required": names,
    }


def describe_type(kind: Any, kinds: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the type of a field."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        name = typing.cast("type", kind).__name__
        if name not in kinds:
            kinds[name] = {}
            kinds[name] = describe_dataclass(kind, kinds)
        return {"$ref": f"#/$defs/{name}"}
    if origin in (Union, types.UnionType):
        return {"anyOf": [describe_type(one, kinds) for one in inside]}
    if origin is Literal:
        return {"enum": [*inside]}
    if origin is tuple and inside[-1] is ...:
        return {"type": "array", "items": describe_type(inside[0], kinds)}
    if origin is tuple:
        items = [describe_type(one, kinds) for one in inside]
        return {"type": "array", "prefixItems": items, "items": False}
    plain = {str: "string", bool: "boolean", int: "integer", float: "number"}
    plain |= {type(None): "null", Mapping: "object"}
    return {} if kind is Any else {"type": plain[origin or kind]}


def read_attributes(kind: Any) -> dict[str, str]:
    """Return what the docstring of a dataclass says of its fields."""
    _, _, section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    texts: dict[str, str] = {}
    for entry in re.split(r"\n {4}(?=\S)", f"\n{section.rstrip()}"):
        names, colon, text = entry.partition(": ")
        if colon:
            words = " ".join(text.split())
            texts |= dict.fromkeys(re.split(r",\s+", names.strip()), words)
    return texts


# --- The page -------------------------------------------------------------------------


def render_page() -> str:
    """Return the page with a table for each type."""
    parts = [HEAD]
    told: set[str] = set()
    for name, (commands, kind) in RECORDS.items():
        schema = make_schema(kind)
        parts.append(
            f"## {kind.__name__}\n\nOf {commands}; "
            f"`gilscope/schema/{name}.schema.json`.\n\n{render_type(schema)}"
        )
        for title, body in schema["$defs"].items():
            if title not in told:
                told.add(title)
                parts.append(f"### {title}\n\n{render_type(body)}")
    return "\n".join(parts)


def render_type(body: dict[str, Any]) -> str:
    """Return what an object is, and its fields as a table."""
    rows = [
        f"| `{name}` | {describe(found)} | {found.get('description', '')} |"
        for name, found in body["properties"].items()
    ]
    table = "\n".join(["| field | type | meaning |", "| --- | --- | --- |", *rows])
    return f"{body['description']}\n\n{table}\n"


def describe(found: dict[str, Any]) -> str:
    """Return the type of a field in a few words."""
    if "$ref" in found:
        name = found["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in found:
        return " or ".join(map(describe, found["anyOf"]))
    if "const" in found or "enum" in found:
        values = found.get("enum", [found.get("const")])
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    if found.get("type") == "array":
        items = found.get("prefixItems", [found["items"]])
        return f"list of {', '.join(map(describe, items))}"
    kind: str = found.get("type", "anything")
    return kind


def main() -> None:
    """Write them all."""
    SCHEMAS.mkdir(exist_ok=True)
    for name, (_, kind) in RECORDS.items():
        write_file(
            SCHEMAS / f"{name}.schema.json",
            json.dumps(make_schema(kind), indent=1) + "\n",
        )
    write_file(PAGE, render_page())


if __name__ == "__main__":
    main()
