"""Text from outside, made fit for a terminal, a page and a file.

Source:
    Unicode Standard Annex 9 (bidirectional controls); CVE-2021-42574 for what they
    can be made to show.
"""

import re

# C0 and C1 controls, line and paragraph separators, bidirectional controls, invisible
# operators, the byte order mark, and halves of surrogate pairs.
UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def clean_text(text: str, *, keep: str = "\n") -> str:
    """Return the text with what no terminal and no page should get as escapes.

    A control character is shown as in a Python literal; those in `keep` stay.
    """

    def show(found: re.Match[str]) -> str:
        character = found.group()
        if character in keep:
            return character
        return character.encode("unicode_escape", "surrogatepass").decode()

    return UNFIT.sub(show, text)
