"""The families of tasks: what an example of each has, and what becomes of it.

A new family is a row of `FAMILIES`, its name in stages/lib/synthetic_params.py, and its words in
stages/prompts/families.yaml.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stages.lib.core.text import normal

Example = Mapping[str, str | float]
"""An example by its family's fields."""

HIGHEST = 5.0
"""Similarity of two texts that mean the same, as language models are asked for it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A row in the making: a query with what answers it and what only seems to."""

    query: str
    positive: str
    negatives: tuple[str, ...] = ()
    score: float | None = None
    """How similar the two are, 0 to 1; None where the positive answers the query."""


@dataclass(frozen=True, slots=True)
class Family:
    """What the stages have to know of a family."""

    fields: tuple[str, ...]
    """The fields of an example that cannot be missing."""
    traits: tuple[str, ...]
    """The names of what is drawn for an example."""
    pairs: Callable[[Example], list[Pair]]
    """What an example trains."""
    optional: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Those of the fields that are similarities, 0 to 5."""
    symmetric: bool = False
    """Whether the pair is the same with its sides changed."""

    def key(self, pair: Pair) -> tuple[str, ...]:
        """What two examples share of which one is too many.

        A query has one answer here: a second would count as a wrong one of the first in its batch.
        """
        if self.symmetric:
            return tuple(sorted((normal(pair.query), normal(pair.positive))))
        return (normal(pair.query),)


def _answered(query: str, positive: str, negative: str) -> Callable[[Example], list[Pair]]:
    """A pair of an answer with a wrong one, from the fields of these names."""

    def pairs(example: Example) -> list[Pair]:
        wrong = str(example.get(negative, ""))
        right = str(example[positive])
        usable = wrong and normal(wrong) not in {normal(right), normal(str(example[query]))}
        return [Pair(str(example[query]), right, (wrong,) if usable else ())]

    return pairs


def _graded(example: Example) -> list[Pair]:
    """Two pairs of a text: with the closer one, and with the farther one."""
    text, closer, farther = (str(example[name]) for name in ("text", "closer", "farther"))
    near, far = float(example["closer_score"]), float(example["farther_score"])
    if far >= near:
        return []
    return [
        Pair(text, closer, (farther,), round(near / HIGHEST, 4)),
        Pair(text, farther, (), round(far / HIGHEST, 4)),
    ]


FAMILIES: dict[str, Family] = {
    "short-long": Family(
        fields=("user_query", "positive_document"),
        optional=("hard_negative_document",),
        traits=(
            "query_type",
            "query_length",
            "clarity",
            "difficulty",
            "length_of_long_texts",
            "language",
        ),
        pairs=_answered("user_query", "positive_document", "hard_negative_document"),
    ),
    "long-short": Family(
        fields=("input_text", "label"),
        optional=("misleading_label",),
        traits=("clarity", "difficulty", "length_of_long_texts", "language"),
        pairs=_answered("input_text", "label", "misleading_label"),
    ),
    "short-short": Family(
        fields=("input_text", "positive_text"),
        optional=("hard_negative_text",),
        traits=("clarity", "education_of_readers", "language"),
        pairs=_answered("input_text", "positive_text", "hard_negative_text"),
    ),
    "long-long": Family(
        fields=("input_text", "positive_text"),
        optional=("hard_negative_text",),
        traits=("difficulty", "length_of_long_texts", "language"),
        pairs=_answered("input_text", "positive_text", "hard_negative_text"),
    ),
    "similarity": Family(
        fields=("text", "closer", "closer_score", "farther", "farther_score"),
        numbers=("closer_score", "farther_score"),
        traits=(
            "texts_are",
            "education_of_readers",
            "higher_similarity",
            "lower_similarity",
            "language",
        ),
        pairs=_graded,
        symmetric=True,
    ),
    "bitext": Family(
        fields=("text", "translation"),
        optional=("mistranslation",),
        traits=("texts_are", "education_of_readers", "language", "target_language"),
        pairs=_answered("text", "translation", "mistranslation"),
        symmetric=True,
    ),
}
