"""Hashes of files and folders, which name models and data by their content."""

import hashlib
from pathlib import Path


def content_hash(folder: Path) -> str:
    """16 hex digits of the sha256 over a folder's file names and contents."""
    total = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def sha256(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
