"""A training, and all that may ship of it."""

from stages.lib.core.examples import Mined
from stages.lib.params import Params
from stages.lib.training.candidates import BASE, Candidate, candidates
from stages.lib.training.recipe import train, training_rows
from stages.lib.training.students import Student


def contest(
    student: Student, mined: Mined, params: Params, *, with_dev: bool, untrained: str = BASE
) -> tuple[int, list[Candidate]]:
    """Trains a student.

    Args:
        student: at the base's weights.
        mined: what to learn from.
        params: the recipe.
        with_dev: learns from the synthetic dev queries too, for when they judge nothing.
        untrained: the name of the student as it is.

    Returns:
        How many rows it learnt from, and the candidates.

    """
    rows = training_rows(mined, params.train, with_dev=with_dev)
    base = student.weights()
    prefix = params.encoder.query_prefix
    trained = train(student, rows, prefix, params.train, params.seed, taught=mined.taught)
    shares = params.train.interpolations
    return len(rows), candidates(student, base, trained, shares, untrained)
