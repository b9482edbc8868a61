"""How likely a language model of this machine finds the reference answers, given passages."""

from collections.abc import Mapping, Sequence

from stages.lib.answering.answers import References, Shown
from stages.lib.core.collection import Corpus
from stages.lib.core.text import first_words
from stages.lib.scoring.causal import CausalModel
from stages.lib.scoring.wording import Asked

KEY = "answer.language_model"


def before(question: str, passages: Sequence[str]) -> str:
    """What the model reads before an answer.

    The first passage stands last: what a model does not hold is cut at the beginning.
    """
    return "\n\n".join([*reversed(passages), f"Question: {question.strip()}", "Answer: "])


def log_probabilities(
    model: CausalModel,
    corpus: Corpus,
    texts: Mapping[str, str],
    references: References,
    shown: Mapping[str, Shown],
    words: int,
) -> dict[str, dict[str, float]]:
    """The mean log-probability (nats) of a reference's tokens, by system and query_id.

    Args:
        model: reads them.
        corpus: the passages.
        texts: what is asked, by query_id, of each query that counts.
        references: of several to a question, the likeliest counts.
        shown: the passages by query_id, by system.
        words: of a passage that are read.

    """
    asked: dict[tuple[str, str], list[Asked]] = {}
    for system, passages in shown.items():
        for query_id, question in texts.items():
            read = [first_words(corpus[doc_id].contents, words) for doc_id in passages[query_id]]
            head = before(question, read)
            asked[system, query_id] = [
                Asked(head, text.strip(), model.name, model.most_tokens)
                for text in references[query_id]
            ]
    # the same passages are read once, so that they differ by nothing
    once = list(dict.fromkeys(one for row in asked.values() for one in row))
    means = {once[at]: score.mean for at, score, _ in model.scores(once)}
    return {
        system: {
            query_id: max(map(means.__getitem__, asked[system, query_id])) for query_id in texts
        }
        for system in shown
    }
