"""Plain text: its encoding, and what generators of sites write above it."""

import codecs
import json
import re
import tomllib
from pathlib import Path

import yaml

from stages.lib.errors import UserError
from stages.lib.sources.formats.section import Section

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings that they tell; UTF-32's begins as UTF-16's does."""
FRONT_MATTER = (
    re.compile(r"(---)[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$\n?", re.DOTALL | re.MULTILINE),
    re.compile(r"(\+\+\+)[ \t]*\n(.*?)^\+\+\+[ \t]*$\n?", re.DOTALL | re.MULTILINE),
    re.compile(r"(;;;)[ \t]*\n(.*?)^;;;[ \t]*$\n?", re.DOTALL | re.MULTILINE),
    re.compile(r"(\{)[ \t]*\n([ \t]*\".*?^)\}[ \t]*$\n?", re.DOTALL | re.MULTILINE),
)
"""YAML, TOML and JSON above a text; each has two groups, what opens it and what is in it."""
LONGEST_TITLE = 1000
"""Characters of front matter that its title may take."""


def text_sections(path: Path, name: str) -> list[Section]:
    """The whole of a text file as one section."""
    return [Section((name,), decoded(path))]


def decoded(path: Path) -> str:
    """The text of a file in UTF-8, or in the encoding that its byte order mark tells."""
    data = path.read_bytes()
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        raise binary(path)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: not UTF-8; convert the file, for example with iconv"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def binary(path: Path) -> UserError:
    """The fault of a file that is no text."""
    return UserError(f"{path}: not a text but binary data; rename or remove it")


def without_front_matter(text: str) -> tuple[str, str]:
    """The title that the front matter of a text tells, or "", and the text below it."""
    text = text.removeprefix("\ufeff")
    for pattern in FRONT_MATTER:
        if match := pattern.match(text):
            return TITLES[match[1]](match[2]), text[match.end() :]
    return "", text


def _yaml_title(front: str) -> str:
    # the title's lines alone, and as text: other keys may hold what expands without bounds
    lines = re.search(r"^title[ \t]*:.*(?:\n[ \t]+.*)*", front, re.MULTILINE)
    try:
        loaded = yaml.load(lines[0][:LONGEST_TITLE], yaml.BaseLoader) if lines else {}  # noqa: S506
    except (yaml.YAMLError, RecursionError, ValueError):
        return ""  # front matter of another syntax than YAML: only the text below it counts
    return _text(loaded.get("title") if isinstance(loaded, dict) else None)


def _toml_title(front: str) -> str:
    line = re.search(r"^title[ \t]*=.*", front, re.MULTILINE)
    try:
        return _text(tomllib.loads(line[0][:LONGEST_TITLE]).get("title") if line else None)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return ""


def _json_title(front: str) -> str:
    match = re.search(
        r'^[ \t]*"title"[ \t]*:[ \t]*("(?:[^"\\\n]|\\.){0,1000}")', front, re.MULTILINE
    )
    try:
        return _text(json.loads(match[1])) if match else ""
    except ValueError:
        return ""


def _text(title: object) -> str:
    return title if isinstance(title, str) else ""


TITLES = {"---": _yaml_title, "+++": _toml_title, ";;;": _json_title, "{": _json_title}
"""How the title is read, by what opens the front matter."""
