"""A folder of people's own documents, cut into chunks, with the queries that lie beside them."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from stages.lib.core.characters import cleaned
from stages.lib.core.collection import Document
from stages.lib.core.hashes import text_hash
from stages.lib.errors import UserError
from stages.lib.params import Prepare
from stages.lib.sources.chunking import Chunker
from stages.lib.sources.folder import Tally, shown, usable
from stages.lib.sources.formats.section import OnlyLinks, Section, Titles, solid
from stages.lib.sources.formats.table import READERS, read_sections
from stages.lib.sources.queries.answers import FILE, read_answers
from stages.lib.sources.queries.judged import Judged
from stages.lib.sources.similar import Similar
from stages.lib.sources.source import Placed, Source


def open_documents(policy: Prepare, chunker: Chunker) -> Source:
    """Opens a folder of files and those in its sub-folders; hidden ones are left alone."""
    if not policy.path.is_dir():
        raise UserError(
            f"prepare.path: {policy.path} is not a folder; give the folder of the documents"
        )
    folder = Folder(policy, chunker)
    source = Source(
        str(policy.path), (), folder.judged.queries, folder.judged.qrels(), folder.tally.counts
    )
    source.documents = folder.documents(source)
    if folder.judged:
        source.answers = read_answers(policy.path / FILE)
    return source


class Folder:
    """A folder's files as they are read, once."""

    def __init__(self, policy: Prepare, chunker: Chunker) -> None:
        self._policy = policy
        self._chunker = chunker
        self.tally = Tally()
        self.judged = Judged(policy.path)
        self._similar = Similar()
        self._files = usable(policy, list(READERS), self.tally)
        if not self._files:
            raise _nothing(policy.path, self.tally)

    def documents(self, source: Source) -> Iterator[Placed]:
        """The chunks of all files; the source's judgements and notes are complete after them."""
        for path in tqdm(self._files, "read", unit=" files", disable=None):
            place = shown(path.relative_to(self._policy.path).as_posix())
            for chunk in chunked(self._sections(path, place, source.notes), place, self._chunker):
                self.judged.meet(place, chunk.titles, chunk.anchors, chunk.document.doc_id)
                yield Placed(str(path), chunk.document)
        if self.tally.counts["unreadable_files"] == len(self._files):
            raise _nothing(self._policy.path, self.tally)
        if note := self.tally.note():
            source.notes.append(note)
        source.qrels |= self.judged.qrels()

    def _sections(self, path: Path, place: str, notes: list[str]) -> list[Section]:
        """The sections of a file, none where it is left out."""
        policy = self._policy
        try:
            sections = _read(path, policy.max_file_mb)
        except OnlyLinks:
            self.tally.leave_out("link_files", path)
            return []
        except UserError as error:
            if policy.unreadable_files == "error":
                raise UserError(f"{error}; or set prepare.unreadable_files to skip") from error
            self.tally.leave_out("unreadable_files", path)
            return []
        twin = self._similar.earlier(place, sections)
        if twin is None:
            return sections
        message = f"{place} says nearly the same as {twin}"
        if policy.similar_files == "error":
            raise UserError(f"{message}; remove one, or set prepare.similar_files to drop or keep")
        if not self.tally.counts["similar_files"]:
            notes.append(f"{message}; prepare.json counts such files (similar_files)")
        if policy.similar_files == "keep":
            self.tally.counts["similar_files"] += 1
            return sections
        self.tally.leave_out("similar_files", path)
        return []


def _nothing(folder: Path, tally: Tally) -> UserError:
    left_out = tally.summary() or "it is empty"
    return UserError(
        f"{folder}: no usable file; {left_out}; usable are {', '.join(sorted(READERS))}"
    )


class Chunk(NamedTuple):
    """A chunk as a document, with what people may call it by."""

    document: Document
    titles: Titles
    anchors: list[str]


def chunked(sections: list[Section], place: str, chunker: Chunker) -> Iterator[Chunk]:
    """The chunks of a file as documents.

    An id is the place and a hash of the place, the titles, the text and how often these have come
    before: an edit changes the ids of the chunks that it touches and of no others.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for section in sections:
        title, spans = chunker.titled(section)
        characters = behind = 0
        for start, stop in spans:
            text = section.text[start:stop]
            count = str(seen[title, text])
            seen[title, text] += 1
            digest = text_hash(place, *section.titles, text, count, digits=12)
            doc_id = re.sub(r"\s+", "_", cleaned(f"{place}:{digest}"))
            characters, behind = characters + solid(section.text[behind:start]), start
            anchors = section.between(characters, characters + solid(text))
            source = "#".join(filter(None, [place, *anchors[:1]]))
            yield Chunk(Document(doc_id, title, text, source), section.titles, anchors)


def _read(path: Path, max_mb: int) -> list[Section]:
    try:
        size = path.stat().st_size / 1e6
        if size > max_mb:
            raise UserError(
                f"{path}: {size:.0f} MB, more than prepare.max_file_mb ({max_mb}); split the file"
            )
        return read_sections(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
