"""AsciiDoc, line by line: no library for Python is kept that reads it.

Headings, paragraphs, lists, tables and blocks are read, and the common marks within a line; what a
processor would compute (includes, conditions) is left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from stages.lib.sources.formats.plain import decoded, without_front_matter
from stages.lib.sources.formats.section import Section, Token, by_headings

HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)$")
ATTRIBUTE = re.compile(r":(!?[\w-]+!?):(?:[ \t]+(.*))?$")
DELIMITER = re.compile(r"-{4,}|\.{4,}|\+{4,}|/{4,}|={4,}|\*{4,}|_{4,}|--|```.*|[|,:!]={3,}")
VERBATIM = ("-", ".", "`")
"""What opens a block that is shown as it is; "--" opens one of paragraphs."""
IGNORED = ("/", "+")
"""What opens a comment, and what is passed to a page as it is."""
SKIPPED = re.compile(
    r"//(?!/)|\[.*\]$|(?:include|ifdef|ifndef|ifeval|endif|image|video|audio|toc)::|<<<$|'''$|\+$"
)
"""Lines that are no text: comments, attributes of blocks, directives, breaks, continuations."""
ADMONITION = re.compile(r"^(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+")
LIST = re.compile(r"(?:\*{1,6}|-|\.{1,6}|\d+\.|<\d+>)[ \t]+(?:\[[ x*]\][ \t]+)?")
LABEL = re.compile(r"^\.(?=[^\s.])")
"""The mark of a block's title."""
CELL = re.compile(r"(?:(?<!\S)[\d.*+<^>]{1,12}[a-z]?|(?<!\S)[a-z])?\|")
LINK = re.compile(
    r"(?<![\w:/.])(?:(?:link|xref|mailto):[^\s\[\]]{0,2000}|https?://[^\s\[\]]{1,2000})\[([^\[\]]*)\]"
)
REFERENCE = re.compile(r"<<([^<>,]*)(?:,([^<>]*))?>>")
MACRO = re.compile(r"(?:kbd|btn|menu|icon|stem|footnote):(?:[\w.-]*)\[([^\[\]]*)\]")
ANCHOR = re.compile(r"\[\[[^\[\]]*\]\]|\[#[^\[\]]*\](?=[#*_`])|\(\(\(?[^()]*\)\)\)?")
EMPHASIS = re.compile(r"(?<![\w\\])([*_`#]{1,2})(?=\S)([^*_`#\n]{1,500})(?<=\S)\1(?!\w)")
NAME = re.compile(r"\{([\w-]{1,100})\}")
BLOCK_ID = re.compile(r"\[(?:\[([^\],]+).*\]|#([\w-]+).*)\]$")
LINES = 300_000
"""Lines of a file, which take about ten seconds."""
LONGEST_LINE = 20_000
"""Characters of a line whose marks are read; longer ones are taken as they stand."""
VALUES = 1_000_000
"""Characters that may stand in the place of all {names} of a file."""


def asciidoc_sections(path: Path, name: str) -> list[Section]:
    """The sections of an AsciiDoc file by its headings."""
    title, text = without_front_matter(decoded(path))
    if text.count("\n") > LINES:
        raise ValueError(f"more than {LINES:,} lines of AsciiDoc: split it")
    lines = list(_Lines(text.split("\n")).read())
    first = next((heading for level, heading, _ in lines if level == 1), "")
    return by_headings(lines, first or title or name)


class _Lines:
    """Reads headings with their level and name, and pieces of text with level 0."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._values: dict[str, str] = {}
        self._room = VALUES

    def read(self) -> Iterator[Token]:
        closing, name, verbatim = "", "", False
        tables: list[str] = []
        header = False  # below the title stand its authors and attributes, up to an empty line
        for raw in self._lines:
            line = raw.rstrip()
            if closing:
                if line == closing:
                    closing = ""
                    yield 0, "\n\n", ""
                elif verbatim:
                    yield 0, raw + "\n", ""
                continue
            if DELIMITER.fullmatch(line):
                if (line[0] in VERBATIM and line != "--") or line[0] in IGNORED:
                    closing = "```" if line[0] == "`" else line
                    verbatim = line[0] not in IGNORED
                elif line[0] in "|,:!":
                    tables = [] if line in tables else [line]
                yield 0, "\n\n", ""
            elif heading := HEADING.match(line):
                text = self._plain(heading[2])
                yield (
                    len(heading[1]),
                    text,
                    name or "_" + re.sub(r"\W+", "_", text.lower()).strip("_"),
                )
                name, header = "", len(heading[1]) == 1
            elif attribute := ATTRIBUTE.match(line):
                self._values[attribute[1]] = attribute[2] or ""
            elif identifier := BLOCK_ID.match(line):
                name = identifier[1] or identifier[2]
            elif SKIPPED.match(line) or (header and line):
                yield 0, "\n", ""
            else:
                header = False
                yield 0, self._text(line, table=bool(tables)), ""

    def _text(self, line: str, *, table: bool) -> str:
        if table:
            return self._plain(CELL.sub(" ", line)).strip() + ("\n\n" if line else "")
        if not line.strip():
            return "\n\n"
        item = LIST.match(line.lstrip())
        text = line.lstrip()[item.end() :] if item else line.strip()
        text = LABEL.sub("", ADMONITION.sub("", text, count=1), count=1)
        return ("\n\n" if item else "") + self._plain(text.removesuffix(" +")) + " "

    def _plain(self, text: str) -> str:
        """A line without its marks, and with the values of its names."""
        if len(text) > LONGEST_LINE:
            return text
        text = ANCHOR.sub("", NAME.sub(self._value, text))
        text = REFERENCE.sub(lambda match: (match[2] or match[1]).strip(), text)
        text = MACRO.sub(
            r"\1", LINK.sub(lambda match: match[1].split(",")[0] or match[0][:-2], text)
        )
        for _ in range(2):  # marks within marks
            text = EMPHASIS.sub(r"\2", text)
        return text

    def _value(self, match: re.Match[str]) -> str:
        value = self._values.get(match[1], match[0])
        self._room -= len(value)
        return value if self._room > 0 else match[0]
