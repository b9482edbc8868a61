"""ZIP archives, as which office programs save documents, opened within bounds of memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from lxml import etree

from stages.lib.core.text import one_line
from stages.lib.errors import UserError

UNPACKED = 30_000_000
"""Bytes of XML and the like that an archive may hold: of the largest books it is a third."""
UNPACKED_IN_ALL = 1_000_000_000
"""Bytes that an archive may hold, of which none but the XML is unpacked at once."""
MEDIA = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".emf", ".wmf", ".mp3", ".mp4"),
    *(".m4a", ".m4v", ".mov", ".wav", ".avi", ".wmv", ".ttf", ".otf", ".woff", ".woff2"),
)


@contextmanager
def opened(path: Path, kind: str) -> Iterator[ZipFile]:
    """The archive of a document.

    Raises:
        UserError: it is broken, has a password, or unpacks to more than a document would.

    """
    data = BytesIO(path.read_bytes())
    try:
        with ZipFile(data) as archive:
            parts = archive.infolist()
            text = sum(part.file_size for part in parts if not is_media(part.filename))
            size = sum(part.file_size for part in parts)
            if text > UNPACKED or size > UNPACKED_IN_ALL:
                raise ValueError(
                    f"it unpacks to {(text if text > UNPACKED else size) / 1e6:.0f} MB"
                )
            yield archive
    except UserError:
        raise
    except Exception as error:  # raised by zipfile, by parsers of XML, or by a format's library
        reason = one_line(str(error))[:200] or type(error).__name__
        raise UserError(
            f"{path}: unreadable {kind} ({reason}); save it again, without a password"
        ) from error


def xml(archive: ZipFile, name: str) -> etree._Element:
    """The root of an XML file in an archive; what entities would bring in is left out."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(archive.read(name), parser)


def title(archive: ZipFile, name: str) -> str:
    """What dc:title in a file of an archive says, or ""."""
    if name not in archive.namelist():
        return ""
    found = xml(archive, name).iter("{http://purl.org/dc/elements/1.1/}title")
    return next((one_line("".join(map(str, element.itertext()))) for element in found), "")


def is_media(name: str) -> bool:
    """Whether a part of an archive is a picture, a sound or a font."""
    return name.lower().endswith(MEDIA)
