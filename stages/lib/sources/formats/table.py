"""The kinds of files, by their suffixes, and how each is read."""

import re
from collections.abc import Callable
from pathlib import Path

from stages.lib.core.characters import cleaned
from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.sources.formats.asciidoc import asciidoc_sections
from stages.lib.sources.formats.epub import epub_sections
from stages.lib.sources.formats.markdown import markdown_sections, notebook_sections
from stages.lib.sources.formats.office import docx_sections, odt_sections, pptx_sections
from stages.lib.sources.formats.page import page_sections
from stages.lib.sources.formats.pdf import pdf_sections
from stages.lib.sources.formats.plain import text_sections
from stages.lib.sources.formats.restructured import restructured_sections
from stages.lib.sources.formats.section import OnlyLinks, Section

READERS: dict[str, Callable[[Path, str], list[Section]]] = {
    ".html": page_sections,
    ".htm": page_sections,
    ".xhtml": page_sections,
    ".md": markdown_sections,
    ".markdown": markdown_sections,
    ".mdx": markdown_sections,
    ".ipynb": notebook_sections,
    ".rst": restructured_sections,
    ".adoc": asciidoc_sections,
    ".asciidoc": asciidoc_sections,
    ".docx": docx_sections,
    ".odt": odt_sections,
    ".pptx": pptx_sections,
    ".epub": epub_sections,
    ".pdf": pdf_sections,
    ".txt": text_sections,
}
"""How a file is read, by its suffix, into sections below a title, its name if it has none.

Of pages that say the same, the kind that stands further up is the better one to keep.
"""


def read_sections(path: Path) -> list[Section]:
    """The sections of a file, by the reader for its suffix, with their characters cleaned.

    Raises:
        UserError: the file cannot be read as what its suffix says, or has no text.
        OnlyLinks: it is a page that does nothing but lead to others.

    """
    try:
        sections = [
            Section(
                tuple(one_line(cleaned(title)) for title in section.titles), text, section.anchors
            )
            for section in READERS[path.suffix.lower()](path, _title(path))
            if (text := cleaned(section.text).strip())
        ]
    except (UserError, OnlyLinks, OSError):
        raise
    except Exception as error:  # parsers fail in ways of their own, deep nesting among them
        reason = one_line(str(error))[:200] or type(error).__name__
        raise UserError(f"{path}: unreadable ({reason}); mend or remove it") from error
    if not sections:
        raise UserError(f"{path}: no text in it; remove it")
    return sections


def _title(path: Path) -> str:
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[-_\s]+", " ", Path(name).stem).strip() or name
