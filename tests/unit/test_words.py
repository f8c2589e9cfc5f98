"""One term for one thing: docs/reference/glossary.md, and nothing beside it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gilscope", "compare", "backends")

# What is written for a term that the glossary has, and the term.
OTHER_WORDS = {
    r"\bg[ia]ve[sn]? (?:\w+ ){0,3}away\b": "release",
    r"\bgiving (?:\w+ ){0,3}away\b": "release",
    r"\blet(?:s|ting)? (?:\w+ ){0,2}go\b": "release",
    r"\b(?:keep|keeps|kept|keeping) (?:the|its) GIL\b(?! off)": "hold",
    r"\bget(?:s|ting)? (?:it|the GIL) back\b": "re-acquire",
    r"\bgot (?:it|the GIL) back\b": "re-acquire",
    r"\bstretch(?:es)?\b": "window",
    r"\byardsticks?\b": "control run",
    r"\bfree for others\b": "released fraction",
    r"\bgot into\b": "interrupted",
    r"\b(?:take|takes|took|taking) turns\b": "serialized",
    r"\bin turns\b": "serialized",
    r"\b(?:run|runs|call|calls) at once\b": "parallel",
    r"\bwait(?:s|ed|ing)? for a core\b": "run-queue wait",
    r"\bcored\b": "on-CPU time",
    r"\bliars?\b": "faulty backend",
    r"\blaws?\b": "property test",
    r"\bcompanions?\b": "busy thread",
}
PATTERNS = {
    re.compile(words, re.IGNORECASE): term for words, term in OTHER_WORDS.items()
}

# The words of an older schema, which is still read.
OLDER = {"compare/schema_1.py"}

PAGES = sorted(
    path
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md")
    for path in ROOT.glob(pattern)
)


def find_other_words(text):
    return [
        f"{found.group()!r}: say {term!r}"
        for pattern, term in PATTERNS.items()
        for found in pattern.finditer(text)
    ]


def read_strings(path):
    """Return all that a module says: messages, docstrings, comments, names."""
    text = path.read_text(encoding="utf-8")
    names = {
        node.name.replace("_", " ")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    # A sentence goes on in the next line, of a string or of a comment.
    return re.sub(r'["\']?\s*\n\s*(?:f?["\']|#)?\s*', " ", text) + " ".join(names)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_uses_another_word_for_a_term(page):
    text = re.sub(r"\s+", " ", page.read_text(encoding="utf-8"))
    assert find_other_words(text) == []


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for name in PACKAGES
        for path in ROOT.glob(f"{name}/**/*.py")
        if str(path.relative_to(ROOT)) not in OLDER
    ),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_module_uses_another_word_for_a_term(path):
    assert find_other_words(read_strings(path)) == []


@pytest.mark.parametrize(
    "text",
    ["it gives the GIL away", "a law", "Liars", "gave it all away", "waits for a core"],
)
def test_other_words_are_found(text):
    assert find_other_words(text)


def test_every_term_that_is_asked_for_is_in_the_glossary():
    glossary = (ROOT / "docs/reference/glossary.md").read_text("utf-8").lower()
    assert [term for term in OTHER_WORDS.values() if term.lower() not in glossary] == []
