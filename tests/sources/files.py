"""Small files of office programs, as the tests need them."""

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "table", "drawing")
)
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>"""


def archive(path: Path, parts: dict[str, str | bytes]) -> Path:
    """A ZIP archive of parts by name."""
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return path


def odt(path: Path, body: str, title: str = "") -> Path:
    """An ODT whose text is XML."""
    content = (
        f'<?xml version="1.0"?><office:document-content {SPACES}><office:body><office:text>'
        f"{body}</office:text></office:body></office:document-content>"
    )
    meta = f'<m xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></m>'
    return archive(path, {"content.xml": content, "meta.xml": meta})


def epub(path: Path, title: str, chapters: dict[str, str], nav: str = "") -> Path:
    """An EPUB of chapters by their files' names, in order."""
    items = "".join(f'<item id="{name}" href="{name}"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>{title}</dc:title></metadata><manifest>"
        f'<item id="nav" href="nav.xhtml" properties="nav"/>{items}</manifest>'
        f'<spine><itemref idref="nav"/>{spine}</spine></package>'
    )
    pages = {f"OEBPS/{name}": text for name, text in {**chapters, "nav.xhtml": nav}.items()}
    parts = {"META-INF/container.xml": CONTAINER, "OEBPS/content.opf": package}
    return archive(path, {**parts, **pages})
