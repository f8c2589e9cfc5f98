"""The Korean pages say what the English ones say, block by block."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRANSLATED = (
    "README.md",
    "docs/tutorial/3-the-gil-in-two-threads.md",
    "docs/reference/glossary.md",
)
# The glossary is a list of paragraphs in English and a table in Korean.
SAME_OUTLINE = TRANSLATED[:2]
# A heading, a fenced block with its marker, or a table.
PART = re.compile(
    r"^(?P<heading>#+) |"
    r"(?P<block>(?:^<!-- [^\n]+ -->\n)?^```[^\n]*\n.*?^```$)|"
    r"(?P<table>(?:^\|[^\n]*\n)+)",
    re.DOTALL | re.MULTILINE,
)
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
# A line of a legend: what the table calls it, and what it is.
LEGEND = re.compile(r"^(\S+(?: \S+)*) {2,}\S+(?: \S+)*$")
HANGUL = re.compile(r"[가-힣]")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def read_korean(name):
    return read(name.replace(".md", ".ko.md"))


def read_outline(text):
    """Return the headings' levels, the blocks and the tables' lengths, in order."""
    outline = []
    for part in PART.finditer(text):
        if part["table"]:
            outline.append(("table", part["table"].count("\n")))
        else:
            outline.append((part.lastgroup, part[part.lastgroup]))
    return outline


def read_links(text):
    """Return how often the prose links to each page, whatever its language."""
    return Counter(
        link.replace(".ko.md", ".md") for link in LINK.findall(BLOCK.sub("", text))
    )


def read_terms(text):
    """Return the terms and the verdicts of the English glossary, in order."""
    return re.findall(r"^(?:\*\*([^*]+)\.\*\*|\| (`\w+`) \|)", text, re.MULTILINE)


def read_legend_names(text):
    """Return what the legends of the quoted outputs explain, in order."""
    names = []
    for block in BLOCK.findall(text):
        for paragraph in block.split("\n\n"):
            lines = [LEGEND.match(line) for line in paragraph.splitlines()]
            if all(lines):
                names += [line[1] for line in lines]
    return names


@pytest.mark.parametrize("name", SAME_OUTLINE)
def test_headings_blocks_and_tables_are_the_same_in_the_same_order(name):
    """A block with its marker, a heading's level and a table's length are alike."""
    english = read_outline(read(name))
    assert {kind for kind, _ in english} >= {"heading", "block"}
    assert read_outline(read_korean(name)) == english


@pytest.mark.parametrize("name", SAME_OUTLINE)
def test_links_lead_to_the_same_pages(name):
    """Each page is linked to as often, in the language that it is written in."""
    english, korean = read_links(read(name)), read_links(read_korean(name))
    assert english
    assert korean == english


@pytest.mark.parametrize("name", TRANSLATED)
def test_each_name_in_code_type_is_in_the_translation(name):
    """A command, an option or a name that the English page tells is in both."""
    english, korean = (
        set(CODE.findall(BLOCK.sub("", text)))
        for text in (read(name), read_korean(name))
    )
    assert english
    assert english - korean == set()


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_page_with_a_translation_is_linked_to_in_korean(name):
    """A Korean page leads to the Korean one where there is one, but for itself."""
    text = read_korean(name)
    own = Path(name).name
    for other in TRANSLATED:
        if Path(other).name != own:
            assert f"{Path(other).name})" not in text


@pytest.mark.parametrize("name", TRANSLATED)
def test_each_heading_and_paragraph_is_in_korean(name):
    """No paragraph of prose is left in English."""
    prose = BLOCK.sub("", re.sub(r"<!--.*?-->", "", read_korean(name)))
    paragraphs = [one.strip("# \n") for one in prose.split("\n\n")]
    # These two names are headings in every language.
    left = [one for one in paragraphs if one not in {"", "gilscope", "GIL"}]
    assert left
    assert [one for one in left if not HANGUL.search(one)] == []


def test_every_term_has_one_line_in_the_korean_glossary():
    """Term, translation and meaning stand in one row, in the order of the English."""
    terms = ["".join(found) for found in read_terms(read("docs/reference/glossary.md"))]
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
        read_korean("docs/reference/glossary.md"),
        re.MULTILINE,
    )
    rows = [row for row in rows if row[0] not in {"영어", "---"}]
    assert len(terms) > 40
    assert [row[0] for row in rows] == terms
    assert [row[0] for row in rows if not HANGUL.search(row[1])] == []
    assert [row[0] for row in rows if not HANGUL.search(row[2])] == []


def test_legends_are_translated_below_their_tables():
    """What a table of the comparison explains in English has its line in Korean."""
    name = "docs/tutorial/3-the-gil-in-two-threads.md"
    names = read_legend_names(read(name))
    assert {"answers right", "short call"} <= set(names)
    korean = re.findall(r"^- `([^`]+)`: (?=.*[가-힣])", read_korean(name), re.MULTILINE)
    assert korean == names
