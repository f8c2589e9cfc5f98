"""What implementations of one function have in common, so that they can be compared.

A contract says how arguments are made and when two answers are equal. What it leaves
out is "not applicable" in a comparison. `double_list` is the built-in one.
"""

import contextlib
import dataclasses
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from numbers import Number
from typing import Any, ClassVar

# Implementations by name, as `pip install` brings them: "<contract>.<name>".
ENTRY_POINT_GROUP = "gilscope.implementations"

Function = Callable[..., Any]


class ContractError(ValueError):
    """A contract, or an implementation of it, cannot be used; the text says why."""


class Contract:
    """What several implementations do; subclass it, and give it the name of the task.

    An object of the subclass has to be importable: the comparison runs in processes of
    its own, which look for "module:attribute".

    Attributes:
        name: what it is called in entry points and reports.
        sizes: what `make_arguments` is asked for, the smallest first.
        reference: does the same, right and slow; without it, the first implementation
            stands for it.
        cases: arguments that are special, by what is special about them: tuples, or
            functions that return them. An implementation that raises where the
            reference does has to raise the same type.
        keywords: which of double_list's keywords the implementations take, with the
            same meaning: "passes", "release_gil", "released_sleep", "held_sleep",
            "trace" (docs/reference/contract.md).
        call_max_s: a size of which one call takes longer is left out.
        memory_max_bytes: by how much the memory of a process may grow; None = no limit.
    """

    name: str = ""
    sizes: tuple[int, ...] = ()
    reference: Function | None = None
    cases: Mapping[str, Any] = {}
    keywords: frozenset[str] = frozenset()
    call_max_s: float = 2.0
    memory_max_bytes: int | None = None

    def make_arguments(self, size: int, seed: int) -> tuple[Any, ...]:
        """Return the arguments of one call, the same ones for the same size and seed.

        Args:
            size: one of `sizes`.
            seed: decides everything that is random about them.
        """
        raise NotImplementedError

    def is_equal(self, expected: Any, answer: Any) -> bool:
        """Return whether an answer is right: equal, and of the same types."""
        return have_same_value(expected, answer)

    def read_answer(self, arguments: tuple[Any, ...], returned: Any) -> Any:
        """Return what a call answered, by default what it returned.

        Args:
            arguments: those of the call, as it left them.
            returned: what it returned.
        """
        del arguments
        return returned

    def hold(self, implementation: Function) -> Function | None:
        """Return a twin that does the same and holds the GIL, None if there is none."""
        if "release_gil" in self.keywords:
            return partial(implementation, release_gil=False)
        return None

    def mutate(self, arguments: tuple[Any, ...]) -> None:
        """Do to arguments what another thread may do to them while a call runs.

        Leave it out where nothing is allowed. The answer is then not looked at; that
        the process lives on is.
        """

    def load(self, target: str) -> "Implementation | None":
        """Return the implementation of that name, None if there are only modules."""
        del target
        return None

    def make_checks(
        self, implementation: "Implementation", *, quick: bool
    ) -> "list[Callable[[], str | None]]":
        """Return what correctness looks at beyond cases, sizes and threads."""
        del implementation, quick
        return []

    def make_forms(
        self, implementation: "Implementation", *, is_held: bool
    ) -> dict[str, Callable[[], object]]:
        """Return calls each of which has to release the GIL, or to hold it."""
        del implementation, is_held
        return {}

    can_hand_off: ClassVar[bool] = False

    def can_mutate(self) -> bool:
        """Return whether the contract allows other threads to change arguments."""
        return type(self).mutate is not Contract.mutate

    def find_reference(self) -> Function | None:
        """Return the reference, also where a class has it as a plain function."""
        found = inspect.getattr_static(self, "reference", None)
        if inspect.isfunction(found) and next(iter(found.__code__.co_varnames), "") != (
            "self"
        ):
            return found
        return self.reference

    def find_name(self) -> str:
        """Return the name, or that of the class."""
        return self.name or type(self).__name__

    def blame(self, part: str, error: Exception) -> Exception:
        """Return what says that a part of the contract raised, not what it judges."""
        if isinstance(error, ContractError | MemoryError):
            return error
        words = f"{part} raised {type(error).__name__}: {error}"
        return ContractError(f"contract {self.find_name()}: {words}")


# Of values of these types two are equal or not, and nothing has to be looked into.
PLAIN = frozenset((int, str, bytes, bool, type(None)))


def have_same_value(expected: Any, answer: Any) -> bool:
    """Return whether two values are equal and of the same types throughout.

    A ContractError says that they are of a type that cannot be compared.
    """
    kind = type(expected)
    if kind is not type(answer):
        return False
    if kind in PLAIN:
        return bool(expected == answer)
    if isinstance(expected, list | tuple):
        kinds = [*map(type, expected)]
        # All at once where that will do: there may be thousands.
        if PLAIN.issuperset(kinds):
            return bool(expected == answer) and kinds == [*map(type, answer)]
        both = map(have_same_value, expected, answer)
        return len(expected) == len(answer) and all(both)
    if isinstance(expected, dict):
        both = map(have_same_value, expected.values(), answer.values())
        return [*expected] == [*answer] and all(both)
    return have_same_object(expected, answer)


def have_same_object(expected: Any, answer: Any) -> bool:
    """Return whether two values of a type that is no container are the same."""
    if dataclasses.is_dataclass(expected):
        names = [each.name for each in dataclasses.fields(expected) if each.compare]
        pairs = [(getattr(expected, name), getattr(answer, name)) for name in names]
        return all(have_same_value(*pair) for pair in pairs)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(expected, numpy.ndarray):
        has_nan = expected.dtype.kind in "fc"
        same = numpy.array_equal(expected, answer, equal_nan=has_nan)
        return expected.dtype == answer.dtype and bool(same)
    if expected is answer or expected == answer:
        return True
    if is_incomparable(expected):
        kind = type(expected).__name__
        message = (
            f"answers of type {kind} are equal to nothing but themselves: expected "
            "values that can be compared, such as a list"
        )
        raise ContractError(message)
    are_nan = expected != expected and answer != answer  # noqa: PLR0124
    return isinstance(expected, Number) and bool(are_nan)


def is_incomparable(value: object) -> bool:
    """Return whether a value is equal to nothing but itself."""
    return type(value).__eq__ is object.__eq__


@dataclass(frozen=True)
class Implementation:
    """One implementation of a contract, in the process that has loaded it.

    Attributes:
        name: name of the implementation.
        function: what is called.
        contract: whose.
        releases_gil: what it declares, None if nothing.
        technology: language and binding.
        build_info: returns how it was built.
        target, contract_target: by which other processes find both.
        reference: what it is compared with, if the contract has none.
    """

    name: str
    function: Function
    contract: Contract = field(default_factory=Contract)
    releases_gil: bool | None = None
    technology: str = ""
    build_info: Callable[[], Mapping[str, Any]] = field(default=dict)
    target: str = ""
    contract_target: str = ""
    reference: Function | None = None
    _expected: dict[tuple[int, int], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __reduce__(self) -> tuple[Any, ...]:
        """Be found again in another process."""
        if not self.target:
            message = f"{self.name}: expected a function that can be imported"
            raise ContractError(message)
        given = (self.contract_target, self.name, self.target)
        return load_implementation, given

    @property
    def held(self) -> Function | None:
        """The twin that holds the GIL."""
        return self.contract.hold(self.function)

    def compute_expected(self, size: int, seed: int) -> Any:
        """Return the right answer, by the reference; made once for a size and seed."""
        if (size, seed) not in self._expected:
            arguments = self.make_arguments(size, seed)
            try:
                returned = self.find_reference()(*arguments)
            except Exception as error:
                if self.contract.find_reference() is None:
                    raise
                words = f"its reference on size {size!r}, seed {seed}"
                raise self.contract.blame(words, error) from error
            answer = self.contract.read_answer(arguments, returned)
            self._expected[size, seed] = answer
        return self._expected[size, seed]

    def make_arguments(self, size: int, seed: int) -> tuple[Any, ...]:
        """Return the arguments of one call; what is wrong is the contract's fault."""
        try:
            made: object = self.contract.make_arguments(size, seed)
        except Exception as error:
            words = f"make_arguments({size!r}, {seed})"
            raise self.contract.blame(words, error) from error
        if isinstance(made, tuple):
            return made
        message = (
            f"contract {self.contract.find_name()}: expected make_arguments() to "
            f"return a tuple, got {type(made).__name__}"
        )
        raise ContractError(message)

    def find_reference(self) -> Function:
        """Return what answers are compared with; its own ones if there is no other."""
        return self.contract.find_reference() or self.reference or self.function


def load_contract(target: str) -> Contract:
    """Import the contract at "module:attribute"; "" stands for double_list."""
    # The built-in contract is a user of this module.
    target = target or "compare.double_list.contract:CONTRACT"
    return check_contract(load_attribute(target, "contract"), target)


def check_contract(found: object, target: str = "") -> Contract:
    """Return a contract, also of its class; a ContractError says what is wrong."""
    where = f"contract {target}".strip()
    if isinstance(found, type) and issubclass(found, Contract):
        try:
            found = found()
        except Exception as error:
            message = f"{where}: {type(error).__name__}: {error}"
            raise ContractError(message) from error
    if not isinstance(found, Contract):
        kind = type(found).__name__
        message = f"{where}: expected a compare.Contract, got {kind}"
        raise ContractError(message)
    sizes: Any = found.sizes
    are_ints = isinstance(sizes, list | tuple | range) and all(
        isinstance(size, int) for size in sizes
    )
    for name, is_right, words in (
        ("sizes", are_ints, "a tuple of ints"),
        ("cases", isinstance(found.cases, Mapping), "cases by their names"),
        ("reference", callable(found.reference or len), "a function"),
    ):
        if not is_right:
            got = repr(getattr(found, name))
            message = (
                f"contract {found.find_name()} {name}: expected {words}, got {got}"
            )
            raise ContractError(message)
    if sizes and type(found).make_arguments is Contract.make_arguments:
        message = (
            f"contract {found.find_name()}: expected make_arguments() for its sizes"
        )
        raise ContractError(message)
    return found


def load_implementation(
    contract_target: str, name: str, target: str, reference: str = ""
) -> Implementation:
    """Import an implementation, and what it is compared with, by their targets.

    A target is "module:attribute"; the name of a backend for double_list; "" = none.
    """
    contract = load_contract(contract_target)
    found = contract.load(target)
    if found is None:
        found = load_attribute(target, f"implementation {name!r}")
    if not isinstance(found, Implementation):
        if not callable(found):
            kind = type(found).__name__
            message = f"implementation {name!r}: expected a callable, got {kind}"
            raise ContractError(message)
        found = Implementation(name, found, contract)
    has_other = reference and contract.find_reference() is None
    return replace(
        found,
        name=name,
        contract=contract,
        target=target,
        contract_target=contract_target,
        reference=load_attribute(reference, "reference") if has_other else None,
    )


def load_attribute(target: str, what: str) -> Any:
    """Import "package.module:attribute"; a ContractError says why it cannot be."""
    module_name, colon, attribute = target.partition(":")
    if not (module_name and colon and attribute) or module_name.startswith("."):
        message = f"{what}: expected module:attribute, got {target!r}"
        raise ContractError(message)
    try:
        value: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            value = getattr(value, part)
    except Exception as error:
        message = f"{what} {target}: {type(error).__name__}: {error}"
        raise ContractError(message) from error
    return value


def find_target(value: Any, near: Any = None) -> str:
    """Return the "module:attribute" by which another process finds an object, or "".

    `near` is in the same module, for objects of a type from elsewhere.
    """
    module_name = getattr(value if near is None else near, "__module__", None)
    if not isinstance(module_name, str) or module_name == "__main__":
        return ""
    module = found = sys.modules.get(module_name)
    for name, other in vars(module or object).items():
        if other is value:
            return f"{module_name}:{name}"
    qualname = getattr(value, "__qualname__", "")
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return f"{module_name}:{qualname}" if found is value else ""


def find_contract_target(contract: Contract) -> str:
    """Return the "module:attribute" of a contract, or of its class."""
    target = find_target(contract)
    with contextlib.suppress(ContractError):
        # Another process makes it anew from its class, so that has to tell all.
        again = check_contract(type(contract))
        if not target and have_same_value(vars(contract), vars(again)):
            target = find_target(type(contract))
    if not target:
        message = (
            f"contract {contract.find_name()}: expected an object or a class at the "
            f"top of a module that can be imported{describe_script(contract)}"
        )
        raise ContractError(message)
    return target


def describe_script(value: object) -> str:
    """Say of what is in no module that other processes import that it is so, or ""."""
    is_of_script = getattr(value, "__module__", "") == "__main__"
    return ", got one of the script that is run" if is_of_script else ""


def list_implementations(contract: Contract) -> dict[str, str]:
    """Return the implementations that are installed, name to "module:attribute"."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - it costs much.

    prefix = f"{contract.find_name()}."
    return {
        point.name.removeprefix(prefix): point.value
        for point in entry_points(group=ENTRY_POINT_GROUP)
        if point.name.startswith(prefix)
    }
