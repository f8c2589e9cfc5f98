"""Statements as `python -m timeit` takes them, made callable."""

import ast
import functools
import textwrap
from collections.abc import Callable
from typing import Any


def bind_statement(
    statement: str, setup: str, namespace: dict[str, Any] | None = None
) -> Callable[[], Any]:
    """Run the setup, and return what runs the statement once.

    A single expression is evaluated and its value returned, so that freeing it is no
    part of the call.
    """
    names = {"__name__": "__main__"} if namespace is None else namespace
    tree = ast.parse(textwrap.dedent(statement), "<statement>")
    code = compile(textwrap.dedent(setup), "<setup>", "exec")
    exec(code, names)  # noqa: S102 - that is what the command is for.
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        expression = ast.Expression(tree.body[0].value)
        return functools.partial(
            eval, compile(expression, "<statement>", "eval"), names
        )
    return functools.partial(exec, compile(tree, "<statement>", "exec"), names)
