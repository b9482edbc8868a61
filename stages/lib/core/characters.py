"""One way of writing each word, brought about where a text is read.

The form is NFC, and of the compatibility characters those alone are replaced that stand for letters
of words: ligatures, presentation forms, wide letters and digits. NFKC would do more than search
needs and take meaning from whoever reads a result: 10\u00b2 would become 102, \u00bd 1\u20442, and
code and formulas something else than was written. Where words are compared, BM25 and Vespa apply
NFKC to both sides by themselves.
"""

import unicodedata

import regex

from stages.lib.core.text import FORBIDDEN

LETTERS = (
    *((0x0132, 0x0133), (0x0149, 0x0149), (0x017F, 0x017F), (0x01C4, 0x01CC), (0x01F1, 0x01F3)),
    *((0xFB00, 0xFB4F), (0xFB50, 0xFDFB), (0xFE80, 0xFEFC)),
    *((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFF66, 0xFF9F)),
)
"""Digraphs, the long s, ligatures, presentation forms; wide letters and digits, narrow kana."""
REPLACED = {
    code: plain
    for first, last in LETTERS
    for code in range(first, last + 1)
    if (plain := unicodedata.normalize("NFKC", chr(code)))[0].isalnum() or 0xFF9E <= code <= 0xFF9F
}
"""By code point; marks alone on a space stay, for want of a letter to stand on."""

CONTROL = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ESCAPE = regex.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Colours and movements of a terminal."""
LINE_END = regex.compile(r"[\x0b\x0c\x85\u2028\u2029]")
"""Form feeds between pages, and ends of lines that few programs know."""
HYPHENATED = regex.compile(r"\xad[ \t]*\r?\n[ \t]*(?=\p{Ll})")
"""A soft hyphen that has become visible: the word goes on in the next line."""
INVISIBLE = regex.compile(
    r"[\xad\u180e\u2060-\u2064\ufeff]"
    # between words of scripts that are written without spaces it tells them apart
    r"|(?<![\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{Han}]\p{M}*)\u200b"
    # in Arabic and Indic scripts, and in emoji, joiners belong to the spelling
    r"|(?<=[\p{Latin}\p{Greek}\p{Cyrillic}\p{N}])[\u200c\u200d]+"
    r"|[\x00-\x08\x0e-\x1f\x7f-\x9f]"
)
"""What is not seen and would make another word of a word."""


def cleaned(text: str) -> str:
    """The text as it is kept: see above; it has no character that Vespa refuses.

    Printable ASCII stays as it is, and cleaning twice is cleaning once.
    """
    if text.isascii() and not CONTROL.search(text):  # most texts, in no time
        return text
    before = None
    while before != text:  # what is left out may have kept apart what belongs together
        before = text
        text = LINE_END.sub("\n", ESCAPE.sub("", text))
        text = INVISIBLE.sub("", HYPHENATED.sub("", text))
        text = unicodedata.normalize("NFC", FORBIDDEN.sub("", text).translate(REPLACED))
    return text
