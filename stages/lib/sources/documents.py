"""A folder of people's own documents, cut into chunks; no queries, no judgements."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from stages.lib.core.characters import cleaned
from stages.lib.core.collection import Document
from stages.lib.core.hashes import text_hash
from stages.lib.errors import UserError
from stages.lib.params import Prepare
from stages.lib.sources.chunking import Chunker, Section
from stages.lib.sources.folder import Tally, shown, usable
from stages.lib.sources.formats import READERS, read_sections
from stages.lib.sources.source import Placed, Source


def open_documents(policy: Prepare, chunker: Chunker) -> Source:
    """Opens a folder of files and those in its sub-folders; hidden ones are left alone."""
    folder = policy.path
    if not folder.is_dir():
        raise UserError(f"prepare.path: {folder} is not a folder; give the folder of the documents")
    tally = Tally()
    files = usable(policy, set(READERS), tally)
    if not files:
        raise _nothing(folder, tally)
    source = Source(str(folder), (), counts=tally.counts)
    source.documents = _documents(files, policy, chunker, tally, source.notes)
    return source


def _documents(
    files: list[Path], policy: Prepare, chunker: Chunker, tally: Tally, notes: list[str]
) -> Iterator[Placed]:
    for path in tqdm(files, "read", unit=" files", disable=None):
        try:
            sections = _sections(path, policy.max_file_mb)
        except UserError as error:
            if policy.unreadable_files == "error":
                raise UserError(f"{error}; or set prepare.unreadable_files to skip") from error
            tally.leave_out("unreadable_files", path)
            continue
        place = shown(str(path.relative_to(policy.path)))
        for document in chunked(sections, place, chunker):
            yield Placed(str(path), document)
    if tally.counts["unreadable_files"] == len(files):
        raise _nothing(policy.path, tally)
    if note := tally.note():
        notes.append(note)


def _nothing(folder: Path, tally: Tally) -> UserError:
    left_out = tally.summary() or "it is empty"
    return UserError(
        f"{folder}: no usable file; {left_out}; usable are {', '.join(sorted(READERS))}"
    )


def chunked(sections: list[Section], place: str, chunker: Chunker) -> Iterator[Document]:
    """The chunks of a file as documents.

    An id is the place and a hash of the place, the titles, the text and how often these have come
    before: an edit changes the ids of the chunks that it touches and of no others.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for section in sections:
        title, texts = chunker.titled(section)
        for text in texts:
            count = str(seen[title, text])
            seen[title, text] += 1
            digest = text_hash(place, *section.titles, text, count, digits=12)
            yield Document(re.sub(r"\s+", "_", cleaned(f"{place}:{digest}")), title, text)


def _sections(path: Path, max_mb: int) -> list[Section]:
    try:
        size = path.stat().st_size / 1e6
        if size > max_mb:
            raise UserError(
                f"{path}: {size:.0f} MB, more than prepare.max_file_mb ({max_mb}); split the file"
            )
        return read_sections(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
