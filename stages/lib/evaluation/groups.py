"""For which queries a system is better: by how they are asked, and how long they are."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stages.lib.core.text import words
from stages.lib.evaluation.comparison import Evaluation
from stages.lib.search.bootstrap import interval

QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e")
KEYWORDS = 4
"""Words at most of a query that counts as keywords."""
LONG = 13
"""Words from which on a query counts as long."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the queries, and the mean difference on them with its 95% interval."""

    name: str
    n: int
    difference: float
    low: float
    high: float


def _is_question(text: str) -> bool:
    return text.rstrip().endswith(QUESTION_MARKS)


def _size(text: str) -> int:
    return len(words(text))


KINDS: dict[str, Callable[[str], bool]] = {
    "questions, with a question mark": _is_question,
    f"keywords: {KEYWORDS} words at most": lambda t: not _is_question(t) and _size(t) <= KEYWORDS,
    "other sentences": lambda t: not _is_question(t) and _size(t) > KEYWORDS,
    f"short: below {KEYWORDS + 1} words": lambda t: _size(t) <= KEYWORDS,
    f"{KEYWORDS + 1} to {LONG - 1} words": lambda t: KEYWORDS < _size(t) < LONG,
    f"long: {LONG} words and more": lambda t: _size(t) >= LONG,
}
"""Three kinds by form, and three by length; each query is in one of each three."""


def groups(evaluation: Evaluation, system: str, resamples: int, seed: int) -> list[Group]:
    """The groups that have queries, with a system's difference to what it is compared with."""
    deltas, queries = evaluation.deltas(system), evaluation.basis.split.queries
    found = []
    for name, fits in KINDS.items():
        values = np.array([deltas[each] for each in sorted(deltas) if fits(queries[each])])
        if len(values):
            low, high = interval(values, resamples, seed)
            found.append(Group(name, len(values), float(values.mean()), low, high))
    return found
