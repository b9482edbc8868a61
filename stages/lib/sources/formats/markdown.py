"""Markdown and notebooks, converted to HTML so that one function finds headings.

The dialects of sites are read too: admonitions (`!!! note`, `::: tip`, `> [!NOTE]`, "{note}" as a
fence's language) lose their markers and keep their text, and MDX loses its imports.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.footnote import footnote_plugin

from stages.lib.sources.formats.page import html_sections
from stages.lib.sources.formats.plain import decoded, without_front_matter
from stages.lib.sources.formats.section import Section

CONTAINER = re.compile(r"^[ \t]*:{3,}(?:\{[\w-]+\}|[ \t]*[\w-]*)(?:[ \t]*\[(.*)\]|[ \t]+(.*))?$")
"""A line that opens or closes a container, with the title that it may have."""
ALERT = re.compile(r"^(?:\[![\w-]+\][+-]?[ \t]*\n?)")
"""The marker at the head of a quotation that is an admonition."""
MODULE = re.compile(r"^(?:import|export)\b.*?(?:\bfrom\b.*|;|[({=].*)$")
"""A line of MDX that is JavaScript."""
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})")
DIRECTIVE = re.compile(r"\{([\w:-]+)\}")
"""The name of a directive of MyST, in the place of a fence's language."""
CODE = {"code", "code-block", "code-cell", "literalinclude", "math", "mermaid", "sourcecode"}
"""Directives whose content is no Markdown."""
LINES = 70_000
MARKS = 400_000
"""Lines and marks of a file, which take the parser about ten seconds."""
LONGEST_LINE = 100_000
"""Characters of a line whose marks are read: longer ones are data, not text."""
PLAIN = str.maketrans(dict.fromkeys("[]()*_`<>&!~|\\", " "))
DEEPEST = 10
"""Directives within directives that are read as such."""


def markdown_sections(path: Path, name: str) -> list[Section]:
    """The sections of a Markdown or MDX file."""
    return marked_down(decoded(path), name, module=path.suffix.lower() == ".mdx")


def notebook_sections(path: Path, name: str) -> list[Section]:
    """The sections of a notebook, whose cells are Markdown: text and code, without results."""
    cells = json.loads(decoded(path))["cells"]
    pieces = []
    for cell in cells:
        source = cell["source"]
        text = source if isinstance(source, str) else "".join(source)
        if cell["cell_type"] == "markdown":
            pieces.append(text)
        elif cell["cell_type"] == "code" and text.strip():
            fence = "`" * (1 + max(2, *map(len, re.findall("`+", text)), 0))
            pieces.append(f"{fence}\n{text}\n{fence}")
    return marked_down("\n\n".join(pieces), name)


def marked_down(text: str, name: str, *, module: bool = False) -> list[Section]:
    """The sections of a Markdown text; `module`: of MDX, with JavaScript in it.

    Raises:
        ValueError: it is longer than the parser reads in bearable time.

    """
    title, body = without_front_matter(text)
    marks = sum(map(body.count, "[]*_`<&!~"))
    if body.count("\n") > LINES or marks > MARKS:
        raise ValueError(f"more than {LINES:,} lines or {MARKS:,} marks of Markdown: split it")
    parser = MarkdownIt("gfm-like", {"linkify": False}).use(admon_plugin).use(footnote_plugin)
    tokens = list(_plain(parser, parser.parse(_without_markers(body, module=module)), DEEPEST))
    _anchor(tokens)
    return html_sections(parser.renderer.render(tokens, parser.options, {}), title or name)


def _without_markers(text: str, *, module: bool) -> str:
    """The text without lines that open or close containers, as far as they lie in no fence."""
    lines, fence = [], ""
    for line in text.split("\n"):
        if mark := FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif line.strip().startswith(fence) and not line.strip(f" \t{fence[0]}"):
                fence = ""
        elif not fence and len(line) > LONGEST_LINE:
            line = line.translate(PLAIN)
        elif not fence and (container := CONTAINER.match(line)):
            line = container[1] or container[2] or ""
            line = f"\n{line}\n"
        elif module and not fence and MODULE.match(line):
            continue
        lines.append(line)
    return "\n".join(lines)


def _plain(parser: MarkdownIt, tokens: list[Token], depth: int) -> Iterator[Token]:
    """The tokens without the markers of admonitions; a directive that holds Markdown is that."""
    for before, token in zip([None, None, *tokens], tokens, strict=False):
        if token.type == "inline" and before and before.type == "blockquote_open":
            marker = ALERT.match(token.content)
            if marker and token.children:
                token.children = parser.parseInline(token.content[marker.end() :])[0].children
        directive = DIRECTIVE.match(token.info.strip()) if token.type == "fence" else None
        if directive and directive[1] not in CODE and depth:
            content = re.sub(r"\A(?:[ \t]*:[\w-]+:.*\n|---\n(?:.*\n)*?---\n)*", "", token.content)
            yield from _plain(parser, parser.parse(content), depth - 1)
        else:
            yield token


def _anchor(tokens: list[Token]) -> None:
    """Gives headings the names by which sites link to them."""
    seen: Counter[str] = Counter()
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            name = re.sub(r"[^\w\- ]", "", content.content.strip().lower()).replace(" ", "-")
            token.attrSet("id", f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
