"""Templates: files with $words to fill in, and the files that come of them."""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from xml.etree import ElementTree

from stages.lib.errors import UserError


def fill(path: Path, values: Mapping[str, object]) -> str:
    """The text of a template with its words filled in.

    Raises:
        UserError: there is no such template, or it asks for a word that has no value.

    """
    try:
        return Template(path.read_text(encoding="utf-8")).substitute(values)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such template; git restores it") from error
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be filled in ({error}); write $$ where a dollar sign is meant"
        ) from error


def write_xml(path: Path, text: str) -> None:
    """Writes a filled template that must be XML.

    Raises:
        UserError: it is none.

    """
    try:
        ElementTree.fromstring(text)  # noqa: S314 - a template of the user's own
    except ElementTree.ParseError as error:
        raise UserError(f"{path.name}: not XML once filled in ({error}); mend its template") from (
            error
        )
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Writes a filled template; the folders that it lies in are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
