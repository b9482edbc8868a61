from collections.abc import Sequence
from typing import cast

import torch

from stages.lib.search.crossfit import Asked
from stages.lib.training.candidates import candidates, interpolate
from stages.lib.training.students import DOCUMENTS, Student, Weights


class Ten:
    """A student that enriches documents by ten."""

    def enrich(self, weights: Weights, further: Sequence[Asked]) -> list[Weights]:
        return [{name: weight + 10 for name, weight in weights.items()} for _ in further]


STUDENT = cast(Student, Ten())


def test_interpolation_by_hand() -> None:
    start = {"w": torch.tensor([0.0, 4.0]), "n": torch.tensor([3])}
    end = {"w": torch.tensor([1.0, 0.0]), "n": torch.tensor([5])}
    mixed = interpolate(start, end, 0.25)
    assert mixed["w"].tolist() == [0.25, 3.0]
    assert mixed["n"].tolist() == [3]


def test_all_from_the_base_to_the_end_may_ship_enriched() -> None:
    base, end = ({DOCUMENTS: torch.tensor([value])} for value in (1.0, 3.0))
    found = candidates(STUDENT, base, end, [0.75, 0.5])
    assert [(one.name, one.kind, float(one.states([{}])[0][DOCUMENTS])) for one in found] == [
        ("base", "base", 1.0),
        ("enriched", "enriched", 11.0),
        ("0.5 of the way", "mixture", 12.0),
        ("0.75 of the way", "mixture", 12.5),
        ("trained", "trained", 13.0),
    ]


def test_where_nothing_trained_and_documents_stay_the_base_is_alone() -> None:
    weights = {"w": torch.tensor([0.0])}
    assert [one.name for one in candidates(STUDENT, weights, None, [0.5])] == ["base"]
