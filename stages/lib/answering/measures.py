"""How near an answer is to its references, by the libraries that others measure with."""

from collections.abc import Iterable, Mapping, Sequence

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer
from sacrebleu import sentence_bleu

from stages.lib.answering.answers import Answer, References
from stages.lib.core.collection import Qrels
from stages.lib.core.text import words

NAMES = {
    "context_hit": "passages hold a judged one",
    "answered": "answered at all",
    "exact_match": "exact match",
    "token_f1": "token F1",
    "rouge_l": "ROUGE-L",
    "bleu": "BLEU",
    "correctness": "correct, by the LLM",
    "groundedness": "grounded, by the LLM",
}
"""The measures, each from 0 to 1, and how they are printed."""
LIKELIHOOD = "reference_log_probability"
"""A measure beside them: the mean log-probability (nats) of the reference's tokens, below 0."""


class Words(Tokenizer):  # type: ignore[misc]
    """Words of any script; the library's own knows a to z alone."""

    def tokenize(self, text: str) -> list[str]:
        """The words in lower case."""
        return words(text)


SCORER = RougeScorer(["rouge1", "rougeL"], tokenizer=Words())


def text_measures(answer: str, references: Sequence[str]) -> dict[str, float]:
    """Exact match, token F1, ROUGE-L and BLEU; of several references the best counts.

    Token F1 is ROUGE-1's F. BLEU is a sentence's, smoothed, as sacrebleu computes it.
    """
    best = SCORER.score_multi(list(references), answer)
    return {
        "exact_match": float(words(answer) in map(words, references)),
        "token_f1": best["rouge1"].fmeasure,
        "rouge_l": best["rougeL"].fmeasure,
        "bleu": sentence_bleu(answer, list(references)).score / 100,
    }


def measured(
    answers: Mapping[str, Answer], references: References, qrels: Qrels, asked: Iterable[str]
) -> dict[str, dict[str, float]]:
    """What is counted without a language model, by measure and query_id."""
    found: dict[str, dict[str, float]] = {}
    for query_id in asked:
        answer = answers[query_id]
        values = {
            "context_hit": float(any(qrels[query_id].get(d, 0) > 0 for d in answer.doc_ids)),
            "answered": float(bool(answer.cited)),
            **text_measures(answer.text, references[query_id]),
        }
        for name, value in values.items():
            found.setdefault(name, {})[query_id] = value
    return found
