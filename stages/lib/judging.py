"""Relevance judgements by an LLM: who gets judged, and what the grades mean."""

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.metrics import cohen_kappa_score, confusion_matrix

from stages.lib import seeds
from stages.lib.collection import Corpus, Qrels, Queries
from stages.lib.llm.answers import RelevanceJudgements
from stages.lib.llm.messages import Request
from stages.lib.llm.prompts import Prompts
from stages.lib.params import Expand
from stages.lib.search import Run

POSITIVE, UNCLEAR = 2, 1
GRADES = range(4)


def requests(
    prompts: Prompts, corpus: Corpus, queries: Queries, ranking: Run, params: Expand, seed: int
) -> Iterator[Request]:
    """Requests for the candidates of the queries drawn, several documents each."""
    drawn = seeds.shuffled(seed, queries, "expand")
    for query_id in sorted(drawn[: params.queries] if params.queries else drawn):
        documents = [corpus[doc_id] for doc_id in ranking[query_id]]
        for start in range(0, len(documents), params.documents_per_call):
            part = documents[start : start + params.documents_per_call]
            yield prompts.judgements(f"{query_id}#{start}", queries[query_id], part)


def grades(answers: Mapping[str, RelevanceJudgements], shown: Run) -> Qrels:
    """Grades 0..3 by query and document; those of documents that were not shown are left out."""
    found: Qrels = {}
    for subject in sorted(answers):
        query_id = subject.rpartition("#")[0]
        for each in answers[subject].judgements:
            if each.doc_id in shown[query_id] and each.relevance in GRADES:
                found.setdefault(query_id, {})[each.doc_id] = each.relevance
    return found


def expand(qrels: Qrels, judged: Qrels) -> tuple[Qrels, Qrels]:
    """Positives with those judged 2 and up, and the documents to leave out of both sides.

    LLM judges are more lenient than people, so that a 1 is no evidence either way.
    """
    positives: Qrels = {}
    ignored: Qrels = {}
    for query_id, sources in qrels.items():
        found = judged.get(query_id, {})
        positives[query_id] = sources | {
            doc_id: 1 for doc_id, grade in found.items() if grade >= POSITIVE
        }
        unclear = {
            doc_id: 1
            for doc_id, grade in found.items()
            if grade == UNCLEAR and doc_id not in sources
        }
        if unclear:
            ignored[query_id] = unclear
    return positives, ignored


def agreement(judged: Qrels, human: Qrels) -> dict[str, Any]:
    """Cohen's kappa of relevant against not, and human by LLM grades, where both judged."""
    pairs = [
        (human[query_id][doc_id], grade)
        for query_id, found in judged.items()
        for doc_id, grade in found.items()
        if doc_id in human.get(query_id, {})
    ]
    if not pairs:
        return {"n": 0}
    people, llm = zip(*pairs, strict=True)
    table = confusion_matrix(people, llm, labels=sorted({*people, *llm}))
    kappa = cohen_kappa_score([p > 0 for p in people], [g >= POSITIVE for g in llm])
    return {"n": len(pairs), "kappa": round(float(kappa), 4), "confusion": table.tolist()}
