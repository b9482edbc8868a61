"""Vectors that are there already, so that a text is encoded once.

A vector is known by its encoder and its text. The output of the run before holds a key beside each
vector; what a run that was killed had encoded lies in a file of rows beside the output. An output
holds what its own run used and nothing else, so that it grows no larger than what is encoded.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stages.lib.core.files import building, read_text, writing
from stages.lib.encoding.encoder import Encode, Vectors

DESCRIBED = "encoder.txt"
"""The file that holds the hash of the encoder that made a folder's vectors."""

HALF = "<f2"
"""How numbers lie on disk: half the place of float32."""

Halves = npt.NDArray[np.float16]


def unit(halves: Halves) -> Vectors:
    """Vectors that were kept, as unit vectors in float32: rounding makes their lengths differ."""
    rows = halves.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    np.divide(rows, lengths, out=rows, where=lengths > 0)
    return rows


def as_kept(vectors: Vectors) -> Vectors:
    """Vectors as who reads them from the disk gets them."""
    return unit(vectors.astype(HALF))


Keys = npt.NDArray[np.uint64]
"""Two numbers a text: the first half of its sha256."""


def text_keys(texts: Sequence[str]) -> Keys:
    """The keys of texts, (texts, 2)."""
    digests = b"".join(hashlib.sha256(text.encode()).digest()[:16] for text in texts)
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


class Known:
    """Vectors by the keys of their texts.

    Args:
        keys: (texts, 2).
        vectors: a row for each key.

    """

    def __init__(self, keys: Keys, vectors: Halves) -> None:
        self._order = np.argsort(keys[:, 0], kind="stable")
        self._sorted = keys[self._order]
        self._vectors = vectors

    def fill(self, keys: Keys, out: Halves) -> npt.NDArray[np.bool_]:
        """Writes the vectors of known texts into their rows of `out`; says which these are."""
        if not len(self._order):
            return np.zeros(len(keys), dtype=bool)
        places = np.searchsorted(self._sorted[:, 0], keys[:, 0])
        places = np.minimum(places, len(self._order) - 1)
        known: npt.NDArray[np.bool_] = (self._sorted[places] == keys).all(axis=1)
        out[known] = self._vectors[self._order[places[known]]]
        return known


class VectorStore:
    """What is known of one encoder's vectors, and what is added to it.

    Args:
        out: the folder that the run before wrote, and this one will.
        encoder: the encoder's hash.
        dimension: of its vectors.

    """

    def __init__(self, out: Path, encoder: str, dimension: int) -> None:
        self._out = out
        self._encoder = encoder
        self._dimension = dimension
        self._journal = out.with_name(f".{out.name}.{encoder}.rows")
        self._row = np.dtype([("key", "<u8", (2,)), ("vector", HALF, (dimension,))])
        self._sources = [self._unfinished(), *_earlier(out, encoder)]

    def fill(self, keys: Keys, out: Halves) -> npt.NDArray[np.bool_]:
        """Writes the vectors of known texts into their rows of `out`; says which these are."""
        known = np.zeros(len(keys), dtype=bool)
        for source in self._sources:
            missing = np.flatnonzero(~known)
            rows = np.empty((len(missing), out.shape[1]), dtype=HALF)
            found = source.fill(keys[missing], rows)
            out[missing[found]] = rows[found]
            known[missing[found]] = True
        return known

    def encode(
        self,
        encode: Encode,
        texts: Sequence[str],
        advance: Callable[[int], object] = lambda _: None,
    ) -> tuple[Keys, Vectors, int]:
        """The vectors of texts, by the encoder where they are not known.

        What is returned is what is kept, so that a later run goes by the same numbers.

        Args:
            encode: the encoder.
            texts: at most as many as memory holds vectors of.
            advance: is told of texts as they are done.

        Returns:
            The texts' keys, their vectors, (texts, dimensions), and how many were encoded.

        """
        keys = text_keys(texts)
        vectors = np.empty((len(texts), self._dimension), dtype=HALF)
        missing = np.flatnonzero(~self.fill(keys, vectors))
        advance(len(texts) - len(missing))
        for batch, found in encode([texts[row] for row in missing.tolist()]):
            rows = missing[batch]
            vectors[rows] = found
            self.add(keys[rows], found)
            advance(len(rows))
        return keys, unit(vectors), len(missing)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keeps vectors at once, for a run after this one if it is killed."""
        rows = np.empty(len(keys), dtype=self._row)
        rows["key"], rows["vector"] = keys, vectors
        with self._journal.open("ab") as file:
            file.write(rows.tobytes())

    def save(self, texts: Sequence[str]) -> None:
        """Writes those of these texts' vectors that are known by now, in the order of their keys.

        This is the whole output: vectors of other texts leave it.
        """
        keys = np.unique(text_keys(texts), axis=0)
        vectors = np.empty((len(keys), self._dimension), dtype=HALF)
        self._sources[0] = self._unfinished()
        known = self.fill(keys, vectors)
        with building(self._out) as folder:
            np.save(folder / "queries.npy", vectors[known])
            np.save(folder / "queries.keys.npy", keys[known])
            with writing(folder / DESCRIBED) as file:
                file.write(self._encoder + "\n")
        forget_unfinished(self._out)

    def _unfinished(self) -> Known:
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        self._journal.touch()
        # a row that was being written when the run was killed is none
        whole = self._journal.stat().st_size // self._row.itemsize
        with self._journal.open("r+b") as file:
            file.truncate(whole * self._row.itemsize)
        rows = np.fromfile(self._journal, dtype=self._row)
        return Known(rows["key"], rows["vector"])


def forget_unfinished(out: Path) -> None:
    """Drops what runs that were killed kept for a folder: it has that now."""
    for path in out.parent.glob(f".{out.name}.*.rows"):
        path.unlink()


def _earlier(out: Path, encoder: str) -> list[Known]:
    """What the run before wrote, where the same encoder made it."""
    described = out / DESCRIBED
    if not described.is_file() or read_text(described) != encoder:
        return []
    found = []
    for path in sorted(out.glob("*.keys.npy")):
        keys = np.load(path)
        vectors = np.load(out / path.name.replace(".keys", ""), mmap_mode="r")
        found.append(Known(keys, vectors))
    return found
