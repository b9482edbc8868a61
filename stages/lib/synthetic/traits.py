"""What is drawn for an example, so that a language model does not write the same one each time."""

from collections.abc import Mapping

from stages.lib.llm.prompts import weighted
from stages.lib.synthetic.families import Family
from stages.lib.synthetic.languages import language_weights
from stages.lib.synthetic_params import Examples


def traits(family: Family, task: str, number: int, params: Examples, seed: int) -> dict[str, str]:
    """The traits of a task's example by name, each drawn from hash(seed, task, number).

    Args:
        family: says which traits its examples have.
        task: its one-sentence instruction.
        number: of the example, from 1.
        params: the weights; a trait without any is left to the model.
        seed: of the pipeline.

    """
    weights: dict[str, Mapping[str, float]] = dict(params.attributes)
    weights["language"] = weights["target_language"] = language_weights(params)
    drawn: dict[str, str] = {}
    for name in family.traits:
        left = weights[name]
        if name == "target_language":
            left = {other: left[other] for other in left if other != drawn["language"]}
        if left:
            drawn[name] = weighted(seed, left, "trait", name, task, str(number))
    return drawn
