"""Files that say nearly the same as another one: a page built twice, a page and its source."""

from collections import Counter
from collections.abc import Iterable
from zlib import crc32

import numpy as np
import numpy.typing as npt

from stages.lib.core.text import words
from stages.lib.sources.formats.section import Section

RUN = 4
"""Words in a row that are compared."""
KEPT = 128
"""Runs a file that are compared, those of the lowest hashes: any two files keep the same ones."""
FEWEST = 16
"""Files of fewer runs are not compared."""
SHARE = 0.7
"""Of the runs that two files share, from which on they say nearly the same."""
LONGEST = 1_000_000
"""Characters of a file that are compared."""
FACTOR = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)


class Similar:
    """Compares files with those before; memory holds some kilobytes a file."""

    def __init__(self) -> None:
        self._files: dict[int, str] = {}
        """By hash of a run: the first file that has it."""
        self._sizes: dict[str, int] = {}

    def earlier(self, place: str, sections: Iterable[Section]) -> str | None:
        """The file before that says nearly the same, or None: then later ones meet this one."""
        runs = _lowest_runs("\n".join(section.text for section in sections)[:LONGEST])
        if len(runs) < FEWEST:
            return None
        shared = Counter(self._files[run] for run in runs if run in self._files)
        for other, count in shared.most_common(1):
            if count >= SHARE * max(len(runs), self._sizes[other]):
                return other
        self._sizes[place] = len(runs)
        for run in runs:
            self._files.setdefault(run, place)
        return None


def _lowest_runs(text: str) -> list[int]:
    codes = np.fromiter((crc32(word.encode()) for word in words(text)), np.uint64)
    if len(codes) < RUN:
        return []
    hashes: npt.NDArray[np.uint64] = codes[: len(codes) - RUN + 1]
    for offset in range(1, RUN):  # the products wrap around
        hashes = hashes * FACTOR + codes[offset : len(codes) - RUN + 1 + offset]
        hashes ^= hashes >> SHIFT
    lowest: list[int] = np.unique(hashes)[:KEPT].tolist()
    return lowest
