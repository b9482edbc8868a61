"""Sections of a text cut into chunks of a bounded number of tokens that overlap."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import tee

from tokenizers import Tokenizer

from stages.lib.core.text import sentence_spans
from stages.lib.sources.formats.section import Section
from stages.lib.sources.lengths import count_tokens

LONGEST = 2_000
"""Longer sentences, in characters, are cut before their tokens are counted, which bounds memory."""

BLANK_LINE = re.compile(r"\n[ \t]*\n")
INDENTED = re.compile(r"\n[ \t]+\S")
CLOSING = ")]}"
UNFINISHED = {"\\", ",", "(", "[", "{"}
"""What a line ends with whose statement goes on."""

Span = tuple[int, int]
Counted = tuple[Span, int]
"""A span and its length in tokens."""


@dataclass(frozen=True, slots=True)
class Chunker:
    """Cuts text where sentences end, by the tokens of a model.

    Args:
        tokenizer: the model's.
        size: tokens of a chunk at most, those of its title and the special ones included.
        overlap: tokens at most that a chunk repeats of the one before, in whole sentences.

    """

    tokenizer: Tokenizer
    size: int
    overlap: int

    def titled(self, section: Section) -> tuple[str, list[Span]]:
        """The title of a section, and where the chunks of its text lie.

        The title is the path as in "Guide > Install > Linux"; one that would take more than half
        of a chunk loses its first parts.
        """
        titles = section.titles
        while len(titles) > 1 and self._tokens(" > ".join(titles)) > self.size // 2:
            titles = titles[1:]
        title = " > ".join(titles)
        if self._tokens(title) > self.size // 2:
            title = ""
        return title, list(self.chunks(section.text, self.size - self._tokens(title)))

    def chunks(self, text: str, size: int) -> Iterator[Span]:
        """Where the chunks of a text lie, each of at most `size` tokens without special ones."""
        sentence_pieces = (
            piece
            for span in self._counted(text, sentences(text))
            for piece in self._fitting(text, *span, size)
        )
        pieces = list(whole(text, sentence_pieces, size))
        spans, lengths = [span for span, _ in pieces], [length for _, length in pieces]
        start = end = 0
        while end < len(spans):
            total = sum(lengths[start:end])
            while end < len(spans) and total + lengths[end] <= size:
                total += lengths[end]
                end += 1
            yield spans[start][0], spans[end - 1][1]
            if end < len(spans):
                start = self._next(lengths, start, end, size)

    def _next(self, lengths: list[int], start: int, end: int, size: int) -> int:
        # as many sentences as the overlap holds, but the first new one must fit in
        room = min(self.overlap, size - lengths[end])
        first = end
        while first - 1 > start and lengths[first - 1] <= room:
            room -= lengths[first - 1]
            first -= 1
        return first

    def _fitting(self, text: str, span: Span, length: int, size: int) -> Iterator[Counted]:
        # a sentence that is longer than a chunk is cut between words
        start, stop = span
        while length > size:
            offsets = self.tokenizer.encode(text[start:stop], add_special_tokens=False).offsets
            end = start + offsets[size - 1][1]
            space = text.rfind(" ", start, end)
            end = space if space > start and text[end : end + 1].strip() else end
            yield (start, end), size
            start = end + len(text[end:stop]) - len(text[end:stop].lstrip())
            length = self._length(text[start:stop])
        if start < stop:
            yield (start, stop), length

    def _counted(self, text: str, spans: Iterable[Span]) -> Iterator[Counted]:
        special = self._tokens("")
        kept, measured = tee(spans)
        lengths = count_tokens((text[a:b] for a, b in measured), self.tokenizer)
        for span, length in zip(kept, lengths, strict=True):
            yield span, length - special

    def _length(self, text: str) -> int:
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def _tokens(self, text: str) -> int:
        return len(self.tokenizer.encode(text))


def whole(text: str, pieces: Iterable[Counted], size: int) -> Iterator[Counted]:
    """Pieces of a text, those joined that belong together as far as they fit into `size`.

    What has several lines without an empty one between them is code, a table or a wrapped
    paragraph: it stays whole, or else its statements do.
    """
    for block in _split(pieces, lambda a, b: BLANK_LINE.search(text, a, b) is not None):
        if "\n" not in text[block[0][0][0] : block[-1][0][1]]:
            yield from block
        elif (joined := _joined(block))[1] <= size:
            yield joined
        else:
            code = INDENTED.search(text, block[0][0][0], block[-1][0][1]) is not None
            ends = partial(_ends_statement, text, code)
            for statement in _split(block, ends):
                joined = _joined(statement)
                yield from [joined] if joined[1] <= size else statement


def _split(
    pieces: Iterable[Counted], divides: Callable[[int, int], bool]
) -> Iterator[list[Counted]]:
    """Runs of pieces, divided where what lies between two of them does so."""
    run: list[Counted] = []
    for piece in pieces:
        if run and divides(run[-1][0][1], piece[0][0]):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _joined(pieces: list[Counted]) -> Counted:
    return (pieces[0][0][0], pieces[-1][0][1]), sum(length for _, length in pieces)


def _ends_statement(text: str, code: bool, end: int, start: int) -> bool:
    """Whether what ends at `end` is whole without what begins at `start`."""
    between = text[end:start]
    if "\n" not in between:
        return not code  # two sentences, or a string in a line of code
    indented, closing = between[-1] in " \t", text[start] in CLOSING
    return not (indented or closing or text[max(0, end - 1) : end] in UNFINISHED)


def sentences(text: str) -> Iterator[Span]:
    """Where the sentences of a text lie; sentences that are too long lie in parts."""
    for start, stop in sentence_spans(text):
        while stop - start > LONGEST:
            space = text.rfind(" ", start, start + LONGEST)
            cut = space if space > start else start + LONGEST
            yield start, cut
            start = cut
        if text[start:stop].strip():
            yield start, stop
