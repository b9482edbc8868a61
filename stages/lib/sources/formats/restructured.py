"""reStructuredText, parsed by docutils; what Sphinx adds to it keeps its text too.

Docutils parses some 50 kB a second and takes time squared for a paragraph full of markup, so both
are bounded: longer files are refused, and such a paragraph is taken as it stands.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import dropwhile
from pathlib import Path
from textwrap import dedent
from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.languages import get_language
from docutils.parsers.rst import Directive, Parser, directives, roles, states
from docutils.utils import new_document

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.sources.formats.plain import decoded
from stages.lib.sources.formats.section import Section, Titles, merged

LONGEST = 500_000
"""Characters of a file..."""
LINES = 15_000
"""...and lines, which take docutils about ten seconds."""
MARKUP = 200_000
"""Characters of a paragraph times the marks in it, beyond which it is taken as it stands."""
DIRECTIVE = re.compile(
    r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([\w.:+-]*\w)[ \t]?::", re.MULTILINE
)
OPTION = re.compile(r"[ \t]+:[\w-]+:")
ROLE = re.compile(r":([a-z][\w.:+-]*):`", re.IGNORECASE)
INVISIBLE = (nodes.Invisible, nodes.system_message, nodes.image, nodes.raw, nodes.label)
LONGEST_SUBSTITUTE = 200
"""Characters that may stand in the place of a |name|."""
SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "syntax_highlight": "none",
    "report_level": 5,  # faults are no text of the page
    "halt_level": 6,
    "line_length_limit": LONGEST,
}


def restructured_sections(path: Path, name: str) -> list[Section]:
    """The sections of a reStructuredText file, as far as docutils and Sphinx know its markup."""
    text = decoded(path)
    if len(text) > LONGEST or text.count("\n") > LINES:
        raise UserError(
            f"{path}: more than {LONGEST:,} characters or {LINES:,} lines of reStructuredText; "
            "split the file"
        )
    document = _document(text)
    sections = [node for node in document.children if isinstance(node, nodes.section)]
    alone = len(sections) == 1
    top: Titles = () if alone else (name,)
    pieces = list(_pieces(document, top, ""))
    if alone:  # what stands above the page's title belongs to it
        title = (_title(sections[0]),)
        pieces = [
            piece if piece.titles else Section(title, piece.text, piece.anchors) for piece in pieces
        ]
    return merged(pieces)


def _document(text: str) -> nodes.document:
    settings = get_default_settings(Parser)
    for key, value in SETTINGS.items():
        setattr(settings, key, value)
    settings.warning_stream = False
    document = new_document("page", settings)
    _register(text, document)
    Parser(inliner=cast(Any, _Inliner())).parse(text, document)
    return document


def _register(text: str, document: nodes.document) -> None:
    """Makes known what docutils does not know: Sphinx's directives and roles, and others."""
    language = get_language("en", document.reporter)
    for name in {match[1].lower() for match in DIRECTIVE.finditer(text)}:
        if directives.directive(name, language, document)[0] is None:
            directives.register_directive(name, _Nothing if name in NOTHING else _Part)
    for name in {match[1].lower() for match in ROLE.finditer(text)}:
        if roles.role(name, language, 0, document.reporter)[0] is None:
            roles.register_local_role(name, cast(Any, _role))
    for name in ("date", "include", "raw"):  # of another day in each run; of another file
        directives.register_directive(name, _Nothing)


class _Part(Directive):
    """A directive of which only its content is known: it stays."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = defaultdict(
        lambda: directives.unchanged, name=directives.unchanged
    )

    def run(self) -> list[nodes.Node]:
        part = nodes.container()
        lines = "".join(self.arguments).split("\n") if self.name not in UNTITLED else []
        part += [nodes.paragraph("", line) for line in lines if not VERSION.fullmatch(line)]
        self.state.nested_parse(self.content, self.content_offset, part)
        return [part]


class _Nothing(_Part):
    """A directive without text of its page: a table of contents, a setting."""

    def run(self) -> list[nodes.Node]:
        return []


NOTHING = {
    *("toctree", "index", "module", "currentmodule", "highlight", "tabularcolumns"),
    *("automodule", "autoclass", "autofunction", "automethod", "autosummary", "literalinclude"),
    *("py:module", "py:currentmodule", "sectionauthor", "codeauthor", "default-domain"),
    *("graphviz", "mermaid", "plot"),
}
UNTITLED = {"only", "ifconfig", "grid", "tab-set", "figure-md", "autodata", "doctest", "testcode"}
"""Directives whose argument says when or how, not what."""
VERSION = re.compile(r"[\d.]*")


def _role(
    _name: str, rawtext: str, text: str, *_: Any, **__: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """What a reader sees of a role: a link's text, the last name of a path of names."""
    if text.endswith(">") and "<" in text:
        text = text[: text.rindex("<")].strip() or text[text.rindex("<") + 1 : -1]
    if text.startswith("~"):
        text = text[1:].rsplit(".", 1)[-1]
    return [nodes.inline(rawtext, text.lstrip("!"))], []


class _Inliner:
    """Docutils' own for paragraphs that it can read in little time."""

    def __init__(self) -> None:
        self._inliner = states.Inliner()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inliner, name)

    def parse(
        self, text: str, lineno: int, memo: Any, parent: Any
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if len(text) * sum(map(text.count, "*`_|[")) > MARKUP:
            return [nodes.Text(text)], []
        return self._inliner.parse(text, lineno, memo, parent)


def _pieces(node: nodes.Element, titles: Titles, anchor: str) -> Iterator[Section]:
    anchors = ((0, anchor),) if anchor else ()
    for child in node.children:
        if isinstance(child, nodes.section):
            names = child.get("ids") or [""]
            yield from _pieces(child, (*titles, _title(child)), str(names[0]))
        elif isinstance(child, nodes.system_message):
            for block in child.findall(nodes.literal_block):  # what docutils could not read
                yield Section(titles, _content(block.astext()) + "\n\n", anchors)
        elif isinstance(child, INVISIBLE):
            continue
        elif isinstance(child, nodes.field_list) and isinstance(node, nodes.document):
            continue  # of Sphinx: what it should do with the file
        elif isinstance(child, nodes.title) and isinstance(node, nodes.section):
            continue
        elif isinstance(child, nodes.row):
            cells = " ".join(one_line(_text(cell)) for cell in child.children)
            yield Section(titles, cells + "\n\n", anchors)
        elif isinstance(child, nodes.FixedTextElement):
            yield Section(titles, _text(child) + "\n\n", anchors)
        elif isinstance(child, nodes.TextElement):
            yield Section(titles, one_line(_text(child)) + "\n\n", anchors)
        elif isinstance(child, nodes.Element):
            yield from _pieces(child, titles, anchor)


def _content(block: str) -> str:
    """The text of a directive without its first line and its options."""
    first, _, rest = block.partition("\n")
    if not DIRECTIVE.match(first):
        return block
    lines = dropwhile(lambda line: OPTION.match(line), rest.split("\n"))
    return dedent("\n".join(lines))


def _title(section: nodes.section) -> str:
    title = next((child for child in section.children if isinstance(child, nodes.title)), None)
    return one_line(_text(title)) if title is not None else ""


def _text(node: nodes.Node) -> str:
    """The text of an element, with what its |names| stand for."""
    if isinstance(node, nodes.substitution_reference) and node.document:
        defined = node.document.substitution_defs.get(node.astext())
        text = defined.astext() if defined is not None else node.astext()
        return text if len(text) <= LONGEST_SUBSTITUTE else node.astext()
    if isinstance(node, nodes.Text):
        return node.astext()
    if isinstance(node, INVISIBLE):
        return ""
    parts = [_text(child) for child in node.children]
    return ("" if isinstance(node, nodes.TextElement) else " ").join(parts)
