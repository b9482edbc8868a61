"""Files of people's own documents, read into sections by their headings.

Markdown, notebooks and DOCX are converted to HTML by their libraries, so that one function finds
headings.
"""

import codecs
import json
import re
import tomllib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import mammoth
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin

from stages.lib.core.characters import cleaned
from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.sources.chunking import Section
from stages.lib.sources.page import html_sections
from stages.lib.sources.pdf import pdf_sections

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings that they tell; UTF-32's begins as UTF-16's does."""
LONGEST_TITLE = 1000
"""Characters of front matter that its title may take."""
UNPACKED = 100_000_000
"""Bytes of XML that a DOCX may hold: of the largest books it is a tenth as much."""


def read_sections(path: Path) -> list[Section]:
    """The sections of a file, by the reader for its suffix, with their characters cleaned.

    Raises:
        UserError: the file cannot be read as what its suffix says, or has no text.

    """
    try:
        sections = [
            Section(tuple(one_line(cleaned(title)) for title in section.titles), text)
            for section in READERS[path.suffix.lower()](path)
            if (text := cleaned(section.text).strip())
        ]
    except (UserError, OSError):
        raise
    except Exception as error:  # parsers fail in ways of their own, deep nesting among them
        reason = one_line(str(error))[:200] or type(error).__name__
        raise UserError(f"{path}: unreadable ({reason}); mend or remove it") from error
    if not sections:
        raise UserError(f"{path}: no text in it; remove it")
    return sections


def _html(path: Path) -> list[Section]:
    data = path.read_bytes()
    if not data.startswith(tuple(mark for mark, _ in MARKS)) and b"\0" in data:
        raise _binary(path)
    return html_sections(data, _name(path))


def _markdown(path: Path) -> list[Section]:
    return _marked_down(_decoded(path), _name(path))


def _marked_down(text: str, name: str) -> list[Section]:
    parser = MarkdownIt("gfm-like", {"linkify": False}).use(front_matter_plugin)
    toml = re.match(r"\+\+\+\s*\n(.*?)^\+\+\+\s*$", text, re.DOTALL | re.MULTILINE)
    tokens = parser.parse(text[toml.end() :] if toml else text)
    front = tokens[0].content if tokens and tokens[0].type == "front_matter" else ""
    html = parser.renderer.render(tokens, parser.options, {})
    title = _toml_title(toml[1]) if toml else _yaml_title(front)
    return html_sections(html, title or name)


def _yaml_title(front: str) -> str:
    # the title's lines alone, and as text: other keys may hold what expands without bounds
    lines = re.search(r"^title[ \t]*:.*(?:\n[ \t]+.*)*", front, re.MULTILINE)
    try:
        loaded = yaml.load(lines[0][:LONGEST_TITLE], yaml.BaseLoader) if lines else {}  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError):
        return ""  # front matter of another syntax than YAML: only the text below it counts
    title = loaded.get("title") if isinstance(loaded, dict) else None
    return title if isinstance(title, str) else ""


def _toml_title(front: str) -> str:
    line = re.search(r"^title[ \t]*=.*", front, re.MULTILINE)
    try:
        title = tomllib.loads(line[0][:LONGEST_TITLE]).get("title") if line else None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return ""
    return title if isinstance(title, str) else ""


def _notebook(path: Path) -> list[Section]:
    """Its cells as Markdown: text as it is, code as such, without results."""
    cells = json.loads(_decoded(path))["cells"]
    pieces = []
    for cell in cells:
        source = cell["source"]
        text = source if isinstance(source, str) else "".join(source)
        if cell["cell_type"] == "markdown":
            pieces.append(text)
        elif cell["cell_type"] == "code" and text.strip():
            fence = "`" * (1 + max(2, *map(len, re.findall("`+", text)), 0))
            pieces.append(f"{fence}\n{text}\n{fence}")
    return _marked_down("\n\n".join(pieces), _name(path))


def _docx(path: Path) -> list[Section]:
    style = "p[style-name='Title'] => title:fresh"
    no_image = mammoth.images.img_element(lambda _: {})  # else each is copied into the page
    try:
        data = BytesIO(path.read_bytes())
        xml = sum(part.file_size for part in ZipFile(data).infolist() if _is_xml(part.filename))
        if xml > UNPACKED:
            raise ValueError(f"it unpacks to {xml / 1e6:.0f} MB")
        html = mammoth.convert_to_html(data, style_map=style, convert_image=no_image).value
    except Exception as error:  # raised by zipfile, by the XML parser, or by mammoth
        raise UserError(
            f"{path}: unreadable DOCX ({one_line(str(error))[:200]}); save it again, without a "
            "password"
        ) from error
    return html_sections(html, _name(path))


def _is_xml(name: str) -> bool:
    return name.lower().endswith((".xml", ".rels"))


def _text(path: Path) -> list[Section]:
    return [Section((_name(path),), _decoded(path))]


def _pdf(path: Path) -> list[Section]:
    return pdf_sections(path, _name(path))


def _decoded(path: Path) -> str:
    """The text of a file in UTF-8, or in the encoding that its byte order mark tells."""
    data = path.read_bytes()
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        raise _binary(path)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: not UTF-8; convert the file, for example with iconv"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _binary(path: Path) -> UserError:
    return UserError(f"{path}: not a text but binary data; rename or remove it")


def _name(path: Path) -> str:
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[-_\s]+", " ", Path(name).stem).strip() or name


READERS: dict[str, Callable[[Path], list[Section]]] = {
    ".htm": _html,
    ".html": _html,
    ".ipynb": _notebook,
    ".md": _markdown,
    ".markdown": _markdown,
    ".pdf": _pdf,
    ".docx": _docx,
    ".txt": _text,
}
"""How a file is read, by its suffix."""
