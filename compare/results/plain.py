"""Results as what JSON knows, and back: schema 1 (docs/contract.md)."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, TypeVar

SCHEMA = 1

T = TypeVar("T")


def structure(content: Any, kind: type[T]) -> T:
    """Build a dataclass of the results from what JSON gave.

    Raises:
        ValueError: a field is missing or of a wrong type; the message names all.
    """
    # Imported here because the process that is measured needs this module too, and
    # loads nothing that is not in the standard library.
    import cattrs  # noqa: PLC0415

    try:
        return cattrs.structure(content, kind)
    except cattrs.BaseValidationError as error:
        faults = "; ".join(cattrs.transform_error(error, path="report"))
        message = f"report: {faults}"
        raise ValueError(message) from error


class Plain:
    """What can be written as JSON; a base of dataclasses."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON knows: dicts, lists, strings, numbers."""
        content = {"schema": SCHEMA, **dataclasses.asdict(self)}  # type: ignore[call-overload]
        plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
        return plain

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return it as JSON, and write that to the file if one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_html_(self) -> str | None:
        """Return what a notebook shows; None, and it shows the text, without extra."""
        from compare.report.html import render_notebook  # noqa: PLC0415

        return render_notebook(self)  # type: ignore[arg-type]
