"""Hashes of files and folders, which name models and data by their content."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from types import ModuleType

WHOLE = 64
"""Hexadecimal digits of a whole sha256."""


def file_hash(path: Path, digits: int = WHOLE) -> str:
    """The first hexadecimal digits of the sha256 of a file, which is read in small parts."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:digits]


def content_hash(folder: Path, digits: int = 16, *, without: Collection[str] = ()) -> str:
    """The first hexadecimal digits of the sha256 over a folder's file names and contents.

    Files whose names are in `without` do not count.
    """
    total = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in without)
    for path in sorted(files):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(bytes.fromhex(file_hash(path)))
    return total.hexdigest()[:digits]


def code_hash(*packages: ModuleType, digits: int = 16) -> str:
    """The first hexadecimal digits of the sha256 over the source of packages' own modules."""
    files = (
        path for package in packages for path in sorted(Path(package.__path__[0]).glob("*.py"))
    )
    return text_hash(*map(file_hash, files), digits=digits)


def text_hash(*parts: str, digits: int = WHOLE) -> str:
    """The first hexadecimal digits of the sha256 of texts; where each of them ends matters."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:digits]
