"""Embedders at work: a text becomes a vector as the container's components would make it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from tests.vespa.standin.package import Embedder, VectorType

Vector = npt.NDArray[Any]
"""Of float32, or of int8 for packed bits."""


class Rejected(Exception):  # noqa: N818 - the word of the protocol
    """A request that is answered with 400."""


class Runtime:
    """An embedder at work."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._tokenizer = Tokenizer.from_str(embedder.tokenizer)
        if self._tokenizer.truncation is None:
            self._tokenizer.enable_truncation(embedder.max_tokens)
        self._session = onnxruntime.InferenceSession(embedder.model)

    def embed(self, text: str, side: str, kind: VectorType) -> Vector:
        """Like Vespa, cuts the vector to the declared dimensions without a word."""
        encoding = self._tokenizer.encode(self._embedder.prefixes.get(side, "") + text)
        rows = (encoding.ids, encoding.attention_mask, encoding.type_ids)
        feed = {
            name: np.array([row], dtype=np.int64)
            for name, row in zip(self._embedder.inputs, rows, strict=False)
        }
        (hidden,) = self._session.run([self._embedder.output], feed)
        pooled = {"mean": lambda: hidden[0].mean(axis=0), "cls": lambda: hidden[0][0]}
        whole = pooled[self._embedder.pooling]()
        size = 8 * kind.size if kind.cells == "int8" else kind.size
        if len(whole) < size:
            raise Rejected(f"Cannot put {len(whole)} dimensions into {kind}")
        vector = whole[:size]
        if self._embedder.normalize:
            vector = vector / np.linalg.norm(vector)
        if kind.cells == "int8":
            return np.packbits(vector > 0).view(np.int8)
        return np.asarray(vector, dtype=np.float32)
