"""What is judged; statements, as `python -m timeit` takes them, made callable."""

import ast
import sys
import textwrap
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

# What the code is compiled as, and what the reader calls it; a statement by its role.
PLACES = {
    "<setup>": "the setup",
    "<prepare>": "what prepares a call",
}


class Subject(NamedTuple):
    """What is judged: a callable, or a statement made callable."""

    name: str
    call: Callable[..., Any]
    # A callable of the same kind that does nothing.
    empty: Callable[[], Any] = bool
    # Returns the arguments of each call and its keywords, or None.
    prepare: Callable[[], Any] | None = None
    # Called before each call: the last one has come back.
    tell_life: Callable[[], object] = bool

    def make_call(self) -> Callable[[], Any]:
        """Return the next call, without arguments."""
        self.tell_life()
        made = None if self.prepare is None else self.prepare()
        if made is None:
            return self.call
        args, kwargs = made
        return partial(self.call, *args, **kwargs)


def bind_statement(
    statement: str,
    setup: str,
    namespace: dict[str, Any] | None = None,
    prepare: str | None = None,
) -> Subject:
    """Run the setup, and return what runs the statement once.

    A statement that calls one function with names and constants is bound to that
    function: the bytecode around the call is no part of it then.
    """
    names = {"__name__": "__main__"} if namespace is None else namespace
    tree = ast.parse(textwrap.dedent(statement), "<statement>")
    code = compile(textwrap.dedent(setup), "<setup>", "exec")
    run_before: Callable[[], Any] | None = None
    if prepare is not None:
        before = compile(textwrap.dedent(prepare), "<prepare>", "exec")
        # exec returns None, which stands for no arguments.
        run_before = partial(exec, before, names)
    exec(code, names)  # noqa: S102 - that is what the command is for.
    run = partial(exec, compile(tree, "<statement>", "exec"), names)
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        value = tree.body[0].value
        if prepare is None and isinstance(value, ast.Call) and is_simple(value, names):
            return Subject(statement, bind_call(value, names))
        expression = compile(ast.Expression(value), "<statement>", "eval")
        run = partial(eval, expression, names)
    nothing = partial(exec, compile("pass", "<empty>", "exec"), {})
    return Subject(statement, run, nothing, run_before)


def is_simple(call: ast.Call, names: dict[str, Any]) -> bool:
    """Return whether a call can be bound once: nothing in it is computed each time."""
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        # A method, or what a module has.
        function = function.value
    parts = [function, *call.args, *(keyword.value for keyword in call.keywords)]
    has_names = all(keyword.arg for keyword in call.keywords)
    return has_names and all(is_fixed(part, names) for part in parts)


def is_fixed(node: ast.expr, names: dict[str, Any]) -> bool:
    """Return whether an expression is a constant, a name, or a name of a module."""
    if isinstance(node, ast.Attribute):
        return is_fixed(node.value, names) and isinstance(
            evaluate(node.value, names), ModuleType
        )
    return isinstance(node, ast.Constant | ast.Name)


def bind_call(call: ast.Call, names: dict[str, Any]) -> Callable[[], Any]:
    """Return the call without arguments."""
    args = [evaluate(part, names) for part in call.args]
    kwargs = {str(part.arg): evaluate(part.value, names) for part in call.keywords}
    bound = partial(evaluate(call.func, names), *args, **kwargs)
    # A folder or a lock that the setup made lives as long as the call.
    vars(bound)["names"] = names
    return bound


def evaluate(node: ast.expr, names: dict[str, Any]) -> Any:
    """Return the value of an expression."""
    return eval(compile(ast.Expression(node), "<statement>", "eval"), names)  # noqa: S307


def read_prepared(
    prepared: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments that `prepare` returned, or the ones there are."""
    match prepared:
        case None:
            return args, kwargs
        case tuple(given), dict(named):
            return given, named
        case tuple(given):
            return given, kwargs
    message = (
        "prepare: expected to return a tuple of arguments, a tuple of a tuple and a "
        f"dict, or None, got {type(prepared).__name__}"
    )
    raise TypeError(message)


def describe_error(
    error: BaseException, sources: Mapping[str, str], statement: str = "the statement"
) -> str:
    """Return in one line where an error came from, what it was, and what may help."""
    told = traceback.TracebackException.from_exception(error)
    # Notes come after the error, and the lines of a SyntaxError before it.
    notes, told.__notes__ = told.__notes__ or (), None
    *_, last = told.format_exception_only()
    text = "; ".join([last.strip(), *map(str, notes)])
    places = [
        (frame.filename, frame.lineno or 0)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in sources
    ]
    if not places and "\n" not in sources.get("<statement>", "\n"):
        # A call that the statement was bound to has no line of it in the stack.
        places = [("<statement>", 1)]
    if isinstance(error, SyntaxError):
        if error.filename in sources:
            places = [(error.filename or "", error.lineno or 0)]
        # The part of the line that it points at.
        start, end = (error.offset or 0) - 1, (error.end_offset or 0) - 1
        wrong = (error.text or "")[start:end].strip() if start >= 0 else ""
        text += f" (at {wrong!r})" if wrong else ""
    if places:
        name, line_number = places[-1]
        lines = sources[name].splitlines()
        place = f"in {PLACES.get(name, statement)}"
        place += f", line {line_number}" if len(lines) > 1 else ""
        if 0 < line_number <= len(lines):
            place += f", {lines[line_number - 1].strip()!r}"
        text = f"{place}: {text}"
    missing = getattr(error, "name", None)
    if isinstance(error, NameError) and missing:
        known = missing in sys.stdlib_module_names
        what = f"import {missing}" if known else f"{missing} = ..."
        text += f"; -s defines names, such as: -s '{what}'"
    return text
