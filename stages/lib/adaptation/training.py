"""Trains an adapter by the recipe of the students, and chooses by dev how far it goes."""

from collections.abc import Sequence

from stages.lib.core.collection import Split
from stages.lib.core.examples import Mined
from stages.lib.evidence import DevSet
from stages.lib.params import Params
from stages.lib.search.engine import Scorer
from stages.lib.training.candidates import BASE, MIXTURE, TRAINED
from stages.lib.training.choice import (
    Belief,
    Prior,
    Priors,
    Standing,
    choose,
    in_words,
    load_whole,
    measured,
)
from stages.lib.training.contest import contest
from stages.lib.training.students import Student

IDENTITY = "identity"
"""The name of the adapter that changes nothing."""

NOTHING = Prior(Belief(0.0, 0.02), Belief(0.0, 0.02))
BEFORE = Priors(NOTHING, {}, {MIXTURE: NOTHING, TRAINED: NOTHING}, few=0.0)
"""What is believed of an adapter's gain before dev speaks: nothing, give or take what tuning gives
elsewhere."""


def trained(
    student: Student,
    mined: Mined,
    lexical: Scorer,
    sets: Sequence[DevSet],
    params: Params,
    *,
    with_dev: bool,
) -> tuple[int, list[Standing], Standing]:
    """Trains an adapter, and leaves it at what is chosen.

    Args:
        student: at the identity.
        mined: what to learn from.
        lexical: BM25 over the same documents.
        sets: the dev sets.
        params: `adapt`, and the rest of the recipe from `train`.
        with_dev: learns from the synthetic dev queries too, for when they judge nothing.

    Returns:
        How many rows it learnt from, all candidates, and the chosen one.

    """
    recipe = params.train.model_copy(update=params.adapt.model_dump(exclude={"kind"}))
    # vectors are known by their text alone, whatever the embedder was given before it
    plain = params.encoder.model_copy(update={"query_prefix": ""})
    settings = params.model_copy(update={"train": recipe, "encoder": plain})
    rows, competing = contest(student, mined, settings, with_dev=with_dev, untrained=IDENTITY)
    standings = measured(
        student, competing, lexical, sets, settings, Split(), len(mined.train), BEFORE
    )
    chosen = choose(standings)
    load_whole(student, chosen.candidate, Split())
    return rows, standings, chosen


def told(chosen: Standing, sets: Sequence[DevSet]) -> str:
    """What was chosen and why, in a line."""
    if chosen.candidate.kind == BASE:
        dev = sets[0]
        return (
            f"the identity is kept: on {len(dev.split.qrels)} {dev.name} dev queries nothing that "
            "was trained is believed better"
        )
    return in_words(chosen, sets)
