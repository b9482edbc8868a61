"""A corpus' vectors on disk, and which encoder made them.

They lie there as float16, which is half the place and moves a cosine by less than a thousandth;
whoever reads them gets unit vectors in float32, in which processors are fast.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from stages.lib.core.collection import Corpus
from stages.lib.core.files import read_json, read_text, write_json, writing
from stages.lib.core.hashes import content_hash
from stages.lib.encoding.encoder import BLOCK, Encode, Vectors
from stages.lib.encoding.store import DESCRIBED, HALF, Keys, VectorStore, text_keys, unit
from stages.lib.errors import UserError

FITTED = "fitted.json"
"""Lies beside trained vectors where the document encoder was fitted to them."""
TRAINED = "trained"
"""Stands in the place of an encoder's hash where training changed the vectors."""


def save_vectors(folder: Path, vectors: Vectors, doc_ids: Sequence[str], made_by: str) -> None:
    """Writes vectors.npy, a row a document, with the ids of the rows and the encoder's hash."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "vectors.npy", [vectors], len(vectors))
    describe_vectors(folder, doc_ids, made_by)


def write_vectors(
    path: Path,
    encode: Encode,
    texts: Sequence[str],
    prefix: str,
    label: str,
    store: VectorStore,
) -> int:
    """Writes the vectors of texts and their keys, block by block: memory does not grow with them.

    Args:
        path: the file, as `vectors.npy`; the keys go beside it, into `vectors.keys.npy`.
        encode: gives vectors that the store does not know,
        texts: of these,
        prefix: after this.
        label: of the progress.
        store: knows vectors of texts, and keeps those that are new.

    Returns:
        How many texts were encoded.

    """
    all_keys: list[Keys] = []
    encoded = 0

    def blocks() -> Iterator[Vectors]:
        nonlocal encoded
        with tqdm(total=len(texts), desc=label, unit="text", delay=2) as bar:
            for start in range(0, len(texts), BLOCK):
                block = [prefix + text for text in texts[start : start + BLOCK]]
                keys, vectors, new = store.encode(encode, block, bar.update)
                all_keys.append(keys)
                encoded += new
                yield vectors

    write_rows(path, blocks(), len(texts))
    np.save(path.with_suffix(".keys.npy"), np.concatenate(all_keys or [text_keys([])]))
    return encoded


def write_rows(path: Path, blocks: Iterable[Vectors], count: int) -> int:
    """Writes so many vectors, which come in blocks, into an npy file; their dimensions."""
    width = 0
    with path.open("wb") as file:
        for block in blocks:
            if not width:
                width = block.shape[1]
                header = {"descr": HALF, "fortran_order": False, "shape": (count, width)}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(block.astype(HALF).tobytes())
    return width


def read_rows(path: Path) -> Vectors:
    """The unit vectors of a file, (rows, dimensions)."""
    return unit(np.load(path, mmap_mode="r"))


def describe_vectors(folder: Path, doc_ids: Sequence[str], made_by: str) -> None:
    """Writes the doc_ids of the rows of vectors.npy, and the encoder's hash."""
    write_json(folder / "doc_ids.json", list(doc_ids))
    with writing(folder / DESCRIBED) as file:
        file.write(made_by + "\n")


def made_by(folder: Path) -> str:
    """The hash of the encoder that made a folder's vectors, or TRAINED."""
    return read_text(folder / DESCRIBED)


def count_vectors(folder: Path) -> int:
    """How many vectors a folder holds."""
    return len(read_json(folder / "doc_ids.json"))


def load_vectors(folder: Path, corpus: Corpus) -> Vectors:
    """The corpus' vectors, (documents, dimensions), in the corpus' order."""
    if read_json(folder / "doc_ids.json") != list(corpus):
        raise UserError(f"{folder}: vectors of another corpus; run dvc repro")
    return read_rows(folder / "vectors.npy")


def trained_vectors(folder: Path, corpus: Corpus) -> Vectors | None:
    """The documents' vectors in a folder if training changed them, else None.

    No encoder gives such vectors: documents keep them, whichever encoder the queries have.
    """
    return stored_vectors(folder, corpus) if made_by(folder) == TRAINED else None


def stored_vectors(folder: Path, corpus: Corpus) -> Vectors:
    """The vectors in a folder of these documents, (documents, dimensions); it may hold others."""
    rows = {doc_id: row for row, doc_id in enumerate(read_json(folder / "doc_ids.json"))}
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    return unit(vectors[[rows[doc_id] for doc_id in corpus]])


def save_queries(folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
    """Writes vectors.npy, a row a query, with the queries' texts."""
    write_rows(folder / "vectors.npy", [vectors], len(vectors))
    write_json(folder / "texts.json", list(texts))


def load_queries(folder: Path) -> dict[str, Vectors]:
    """The vectors that `save_queries` wrote, by text."""
    vectors = read_rows(folder / "vectors.npy")
    return dict(zip(read_json(folder / "texts.json"), vectors, strict=True))


UNREAD = {"config_sentence_transformers.json", "source.json", "README.md", "data_config.json"}
"""Files of an encoder that change no vector: prompts are told apart from the text they precede."""


def encoder_hash(folder: Path) -> str:
    """What an encoder's vectors are known by: the content of all files that change them."""
    return content_hash(folder, without=UNREAD)
