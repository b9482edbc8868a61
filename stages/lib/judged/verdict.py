"""What a judge's grades of dev queries are worth, and the split that they make."""

from collections import Counter
from typing import Any

from stages.lib.core.collection import Qrels, Split
from stages.lib.judged.drawing import DevQueries

RELEVANT = 2
"""The lowest grade that counts: language models are lenient, and a 1 says little."""
FEWEST = 10
"""Fewer queries than this choose nothing."""


def judged_split(dev: DevQueries, grades: Qrels) -> Split:
    """The queries for which some document is relevant, with the gain of all that was judged.

    A gain is the grade, or 0 where that is below `RELEVANT`. A query without a relevant document
    tells no system from another and is left out.
    """
    split = Split()
    for name, text in dev.split.queries.items():
        judged = grades.get(name, {})
        if any(grade >= RELEVANT for grade in judged.values()):
            split.queries[name] = text
            split.qrels[name] = {
                doc_id: grade if grade >= RELEVANT else 0 for doc_id, grade in judged.items()
            }
    return split


def fault(dev: DevQueries, grades: Qrels, split: Split) -> str:
    """Why the judgements can choose nothing; empty where they can."""
    judged = [grade for name in dev.types for grade in grades.get(name, {}).values()]
    if len(set(judged)) == 1:
        return f"the judge gave the grade {judged[0]} to all of {len(judged):,} documents"
    if len(split.queries) < FEWEST:
        return (
            f"a document is relevant for {len(split.queries)} of {len(dev.types)} queries, and "
            f"fewer than {FEWEST} choose nothing"
        )
    return ""


def counts(dev: DevQueries, grades: Qrels, split: Split) -> dict[str, Any]:
    """The queries by type, the grades, and how often the judge found what a query was written for.

    The last is a check of the judge: a query's own document should be relevant for it.
    """
    judged = {name: grades[name] for name in dev.types if grades.get(name)}
    drawn = Counter(dev.types.values())
    usable = Counter(dev.types[name] for name in split.queries)
    distribution = Counter(grade for graded in judged.values() for grade in graded.values())
    known = [
        max(judged[name].get(doc_id, 0) for doc_id in dev.split.qrels[name]) >= RELEVANT
        for name in judged
    ]
    return {
        "drawn": len(dev.types),
        "judged": len(judged),
        "usable": len(split.queries),
        "by_type": {kind: {"drawn": drawn[kind], "usable": usable[kind]} for kind in sorted(drawn)},
        "documents": distribution.total(),
        "grades": {str(grade): distribution[grade] for grade in sorted(distribution)},
        "source_relevant": round(sum(known) / len(known), 4) if known else None,
    }
