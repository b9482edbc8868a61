"""Relevance judgements by an LLM: what gets judged, and what the grades mean."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Qrels, Queries, Split
from stages.lib.core.files import read_json, write_json
from stages.lib.llm.answers import GRADES, Question
from stages.lib.llm.prompts import Prompts
from stages.lib.llm_params import Expand, JudgeDev

POSITIVE, UNCLEAR = 2, 1

Pools = Mapping[str, Sequence[str]]
"""The doc_ids to judge, by query_id."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the stage judge_dev asks.

    Args:
        neighbours: the documents that get hard queries, each with the one it is mistaken for.
        queries: all that are judged.
        types: of these queries.
        pools: the documents to grade that untuned systems find.
        additions: those that only an early student finds. They are graded in calls of their own:
            they change with the training queries, and the pools' grades are not paid for again.

    """

    neighbours: Mapping[str, str]
    queries: Queries
    types: Mapping[str, str]
    pools: Pools
    additions: Pools

    @property
    def shown(self) -> dict[str, list[str]]:
        """All documents to grade, by query_id."""
        return {name: [*pool, *self.additions[name]] for name, pool in self.pools.items()}


PLAN = "questions.json"
"""The file of a plan, beside the split that came of it."""


def write_plan(path: Path, plan: Plan, params: JudgeDev) -> None:
    """Writes a plan as JSON, with the parameters that it was made by."""
    queries = {
        name: {
            "type": plan.types[name],
            "text": text,
            "documents": list(plan.pools[name]),
            "additions": list(plan.additions[name]),
        }
        for name, text in sorted(plan.queries.items())
    }
    neighbours = dict(sorted(plan.neighbours.items()))
    write_json(path, {"by": params.model_dump(), "neighbours": neighbours, "queries": queries})


def read_plan(path: Path, params: JudgeDev, corpus: Corpus) -> Plan | None:
    """The plan of the last run; None if there is none by these parameters and of this corpus."""
    if not path.is_file():
        return None
    written = read_json(path)
    queries = written["queries"]
    if not all("additions" in query for query in queries.values()):
        return None
    plan = Plan(
        written["neighbours"],
        {name: query["text"] for name, query in queries.items()},
        {name: query["type"] for name, query in queries.items()},
        {name: query["documents"] for name, query in queries.items()},
        {name: query["additions"] for name, query in queries.items()},
    )
    shown = {*plan.neighbours, *plan.neighbours.values()}.union(*plan.shown.values())
    same = written["by"] == params.model_dump() and all(doc_id in corpus for doc_id in shown)
    return plan if same and queries else None


def chosen(synthetic: Split, human: Split, params: Expand, seed: int) -> tuple[Queries, Queries]:
    """The queries to expand, and those with judgements by people to compare the judge on."""
    judged = {query_id: human.queries[query_id] for query_id in human.qrels}
    compared = _drawn(judged, seed)[: params.compared]
    expanded = _drawn(synthetic.queries, seed)
    return dict(expanded[: params.queries or None]), dict(compared)


def _drawn(queries: Queries, seed: int) -> list[tuple[str, str]]:
    return [(query_id, queries[query_id]) for query_id in seeds.shuffled(seed, queries, "expand")]


def calls(pools: Pools, documents_per_call: int) -> int:
    """How many questions `questions` asks."""
    return sum(math.ceil(len(doc_ids) / documents_per_call) for doc_ids in pools.values())


def questions(
    prompts: Prompts, corpus: Corpus, queries: Queries, pools: Pools, documents_per_call: int
) -> Iterator[Question[int]]:
    """Questions for the grades of the candidates, several documents each."""
    for query_id, doc_ids in pools.items():
        for start in range(0, len(doc_ids), documents_per_call):
            documents = [corpus[doc_id] for doc_id in doc_ids[start : start + documents_per_call]]
            yield prompts.judgements(query_id, queries[query_id], documents)


def grades(answers: Mapping[str, Iterable[Mapping[str, int]]]) -> Qrels:
    """Grades 0 to 3 by query and document, from the answers to all questions about each query."""
    return {
        query_id: {doc_id: grade for part in parts for doc_id, grade in part.items()}
        for query_id, parts in answers.items()
    }


def expand(qrels: Qrels, judged: Qrels) -> tuple[Qrels, Qrels]:
    """Positives with those judged 2 and up, and the documents to leave out of both sides.

    LLM judges are more lenient than people, so that a 1 is no evidence either way. The document
    that a query was written for stays a positive whatever the judge says.
    """
    positives: Qrels = {}
    ignored: Qrels = {}
    for query_id, sources in qrels.items():
        grades = judged.get(query_id, {})
        others = {doc_id: grade for doc_id, grade in grades.items() if doc_id not in sources}
        positives[query_id] = sources | {
            doc_id: 1 for doc_id, grade in others.items() if grade >= POSITIVE
        }
        unclear = {doc_id: 1 for doc_id, grade in others.items() if grade == UNCLEAR}
        if unclear:
            ignored[query_id] = unclear
    return positives, ignored


def agreement(judged: Qrels, human: Qrels) -> dict[str, Any]:
    """Cohen's kappa of relevant against not, and counts by human grade (rows) and LLM grade.

    What people did not judge counts as 0, as it does in the measures of retrieval.
    """
    pairs = [
        (max(0, human.get(query_id, {}).get(doc_id, 0)), grade)
        for query_id, grades in judged.items()
        for doc_id, grade in grades.items()
    ]
    if not pairs:
        return {"pairs": 0}
    # a stage that asks for no judgement starts without it
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    people, judge = zip(*pairs, strict=True)
    rows = sorted(set(people))
    labels = sorted({*rows, *GRADES})
    table = confusion_matrix(people, judge, labels=labels)
    kappa = cohen_kappa_score(
        [grade > 0 for grade in people], [grade >= POSITIVE for grade in judge], labels=[0, 1]
    )
    return {
        "pairs": len(pairs),
        "kappa": None if math.isnan(kappa) else round(float(kappa), 4),
        "confusion": {
            f"human {row}": {
                f"llm {grade}": int(table[labels.index(row)][labels.index(grade)])
                for grade in GRADES
            }
            for row in rows
        },
    }
