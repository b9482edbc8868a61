import torch

from stages.lib.training.candidates import candidates, interpolate
from stages.lib.training.students import DOCUMENTS


def test_interpolation_by_hand() -> None:
    start = {"w": torch.tensor([0.0, 4.0]), "n": torch.tensor([3])}
    end = {"w": torch.tensor([1.0, 0.0]), "n": torch.tensor([5])}
    mixed = interpolate(start, end, 0.25)
    assert mixed["w"].tolist() == [0.25, 3.0]
    assert mixed["n"].tolist() == [3]


def test_all_from_the_base_to_the_end_may_ship() -> None:
    base, start, end = ({DOCUMENTS: torch.tensor([value])} for value in (0.0, 1.0, 3.0))
    found = candidates(base, start, end, [0.75, 0.5])
    assert [(one.name, one.kind, float(one.weights()[DOCUMENTS])) for one in found] == [
        ("base", "base", 0.0),
        ("enriched", "enriched", 1.0),
        ("0.5 of the way", "mixture", 2.0),
        ("0.75 of the way", "mixture", 2.5),
        ("trained", "trained", 3.0),
    ]


def test_where_nothing_trained_and_documents_stay_the_base_is_alone() -> None:
    weights = {"w": torch.tensor([0.0])}
    assert [one.name for one in candidates(weights, weights, None, [0.5])] == ["base"]
