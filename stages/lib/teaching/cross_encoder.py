"""A cross-encoder as teacher: it reads a query and a document together."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import CrossEncoder

from stages.lib.core.collection import Corpus, Queries
from stages.lib.encoding.encoder import device, fast_dtype
from stages.lib.errors import UserError
from stages.lib.params import Mine
from stages.lib.search.engine import Run
from stages.lib.teaching.teacher import Teacher, regraded


class Reranker:
    """A teacher that grades the best documents of another teacher's ranking anew.

    Args:
        name: the teacher's.
        folder: a cross-encoder with one score a pair, as sentence-transformers saves it.
        corpus: the documents.
        first: the teacher whose ranking is graded.
        params: how many documents of each ranking are graded (the rest leave it), and how many
            tokens of each pair are read.

    Raises:
        UserError: the folder holds no such model.

    """

    def __init__(
        self, name: str, folder: Path, corpus: Corpus, first: Teacher, params: Mine
    ) -> None:
        self.name = name
        try:
            self._model = CrossEncoder(
                str(folder),
                device=str(device()),
                max_length=params.cross_encoder_tokens,
                local_files_only=True,
            )
            labels = self._model.config.num_labels
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise UserError(
                f"mine.cross_encoder: not a cross-encoder that sentence-transformers can load "
                f"({' '.join(str(error).split())[:200]})"
            ) from error
        if labels != 1:
            raise UserError(
                f"mine.cross_encoder: gives {labels} scores a pair; a teacher needs one"
            )
        self._corpus = corpus
        self._first = first
        self._depth = params.cross_encoder_depth

    def rank(self, queries: Queries) -> Run:
        """The first documents of each query in the cross-encoder's order, best first."""
        run = self._first.rank(queries)
        heads = {query_id: list(run[query_id].items())[: self._depth] for query_id in queries}
        logits = self._grade(
            [
                (queries[query_id], self._corpus[doc_id].contents)
                for query_id, head in heads.items()
                for doc_id, _ in head
            ]
        )
        graded: Run = {}
        start = 0
        for query_id, head in heads.items():
            graded[query_id] = regraded(head, logits[start : start + len(head)].tolist())
            start += len(head)
        return graded

    def _grade(self, pairs: list[tuple[str, str]]) -> npt.NDArray[np.float64]:
        """The cross-encoder's logits, (pairs,)."""
        where = device()
        dtype = fast_dtype(where)
        with torch.autocast(where.type, dtype=dtype, enabled=dtype != torch.float32):
            logits = self._model.predict(
                pairs, activation_fn=torch.nn.Identity(), show_progress_bar=len(pairs) > 1000
            )
        return np.asarray(logits, dtype=np.float64)
