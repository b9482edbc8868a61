"""A corpus' vectors on disk, and which encoder made them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from tqdm import tqdm

from stages.lib.core.collection import Corpus
from stages.lib.core.files import read_json, read_text, write_json, writing
from stages.lib.core.hashes import content_hash
from stages.lib.encoding.encoder import BLOCK, Vectors, dimension
from stages.lib.encoding.store import DESCRIBED, Keys, VectorStore, text_keys
from stages.lib.errors import UserError

FITTED = "fitted.json"
"""Lies beside trained vectors where the document encoder was fitted to them."""
TRAINED = "trained"
"""Stands in the place of an encoder's hash where training changed the vectors."""


def save_vectors(folder: Path, vectors: Vectors, doc_ids: Sequence[str], made_by: str) -> None:
    """Writes vectors.npy, a row a document, with the ids of the rows and the encoder's hash."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "vectors.npy", vectors)
    describe_vectors(folder, doc_ids, made_by)


def write_vectors(
    path: Path,
    model: SentenceTransformer,
    texts: Sequence[str],
    prefix: str,
    label: str,
    store: VectorStore,
) -> int:
    """Writes the vectors of texts and their keys, block by block: memory does not grow with them.

    Args:
        path: the file, as `vectors.npy`; the keys go beside it, into `vectors.keys.npy`.
        model: encodes what the store does not know,
        texts: of these,
        prefix: after this.
        label: of the progress.
        store: knows vectors of texts, and keeps those that are new.

    Returns:
        How many texts were encoded.

    """
    shape = (len(texts), dimension(model))
    all_keys: list[Keys] = []
    encoded = 0
    with path.open("wb") as file, tqdm(total=len(texts), desc=label, unit="text", delay=2) as bar:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(texts), BLOCK):
            block = [prefix + text for text in texts[start : start + BLOCK]]
            keys, vectors, new = store.encode(model, block, bar.update)
            file.write(vectors.astype("<f4", copy=False).tobytes())
            all_keys.append(keys)
            encoded += new
    np.save(path.with_suffix(".keys.npy"), np.concatenate(all_keys or [text_keys([])]))
    return encoded


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
    """The corpus' vectors as a memory map, (documents, dimensions), in the corpus' order."""
    if read_json(folder / "doc_ids.json") != list(corpus):
        raise UserError(f"{folder}: vectors of another corpus; run dvc repro")
    vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    return vectors


def trained_vectors(folder: Path, corpus: Corpus) -> Vectors | None:
    """The documents' vectors in a folder if training changed them, else None.

    No encoder gives such vectors: documents keep them, whichever encoder the queries have.
    """
    return stored_vectors(folder, corpus) if made_by(folder) == TRAINED else None


def stored_vectors(folder: Path, corpus: Corpus) -> Vectors:
    """The vectors in a folder of these documents, (documents, dimensions); it may hold others."""
    rows = {doc_id: row for row, doc_id in enumerate(read_json(folder / "doc_ids.json"))}
    vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    return np.asarray(vectors[[rows[doc_id] for doc_id in corpus]])


def save_queries(folder: Path, texts: Sequence[str], vectors: Vectors) -> None:
    """Writes vectors.npy, a row a query, with the queries' texts."""
    np.save(folder / "vectors.npy", vectors)
    write_json(folder / "texts.json", list(texts))


def load_queries(folder: Path) -> dict[str, Vectors]:
    """The vectors that `save_queries` wrote, by text."""
    vectors: Vectors = np.load(folder / "vectors.npy")
    return dict(zip(read_json(folder / "texts.json"), vectors, strict=True))


UNREAD = {"config_sentence_transformers.json", "source.json", "README.md", "data_config.json"}
"""Files of an encoder that change no vector: prompts are told apart from the text they precede."""


def encoder_hash(folder: Path) -> str:
    """What an encoder's vectors are known by: the content of all files that change them."""
    return content_hash(folder, without=UNREAD)
