"""How likely a model of this machine finds answers, for a teacher."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.llm.storage.store import Store
from stages.lib.scoring.scorer import Local, score
from stages.lib.scoring.wording import Asked, before
from stages.lib.tasks_params import Scoring
from stages.lib.teaching.teacher import Candidate

TEMPLATE = "Knowledge: {document}\n\nQuestion: {query}\n\nAnswer: {answer}"
"""What the model reads, as LLM-Embedder has it for question answering."""


class LocalLikelihood:
    """Scores candidates; what the journal knows is not computed again.

    Args:
        folder: a causal language model.
        key: the parameter that names it, for errors.
        store: of scores.
        params: how much of a document is read, and how many tokens in all.

    Raises:
        UserError: the folder holds no such model.

    """

    def __init__(self, folder: Path, key: str, store: Store, params: Scoring) -> None:
        self._scorer = Local(folder, key)
        self._store = store
        self._params = params

    def __call__(self, candidates: Sequence[Candidate]) -> list[float]:
        """The mean log-probability of each answer's tokens, in nats."""
        params = self._params
        asked = [
            Asked(
                before(TEMPLATE, one.query, one.document, params.document_words),
                one.answer.strip(),
                self._scorer.name,
                params.most_tokens,
            )
            for one in candidates
        ]
        return [found.mean for found in score(asked, self._scorer, self._store)]
