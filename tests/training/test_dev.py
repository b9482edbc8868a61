import math

import pytest

from stages.lib.core.collection import Split
from stages.lib.core.examples import BASE, Example, Mined
from stages.lib.params import Params
from stages.lib.training.dev import Dev, agreement, choose_dev


def test_agreement_by_hand() -> None:
    teacher = {"a": 1.0, "b": 1.0 - math.log(2), "c": -50.0}
    assert agreement(["a", "b"], teacher, 1.0) == pytest.approx(1)
    best = 1 + 0.5 / math.log2(3)
    assert agreement(["b", "x", "a"], teacher, 1.0) == pytest.approx((0.5 + 0.5) / best)


def test_dev_asks_the_teacher_only_where_people_did_not_judge(params: Params) -> None:
    split = Split({"q": "text"}, {"q": {"a": 1}})
    run = {"q": {"b": 2.0, "a": 1.0}}
    rows = [Example("q", "text", {"b": 5.0, "a": -50.0})]
    by_answers = 1 / math.log2(3)
    mined = Mined("fusion", [], [], rows)
    by_people = choose_dev(split, Split({"s": "other"}, {"s": {"b": 1}}), mined, params.train)
    assert by_people.value(run) == pytest.approx(by_answers)
    synthetic = choose_dev(Split(), split, mined, params.train)
    assert synthetic == Dev(split, {"q": rows[0].ranking}, params.train)
    assert synthetic.value(run) == pytest.approx((by_answers + 1) / 2)


def test_a_refused_teacher_judges_nothing(params: Params) -> None:
    split = Split({"q": "text"}, {"q": {"a": 1}})
    rows = [Example("q", "text", {"b": 5.0, "a": -50.0})]
    dev = choose_dev(Split(), split, Mined(BASE, [], [], rows), params.train)
    # the teacher, had it a say, would put b first
    assert dev.value({"q": {"a": 2.0, "b": 1.0}}) == pytest.approx(1)
    assert dev.value({"q": {"b": 2.0, "a": 1.0}}) == pytest.approx(1 / math.log2(3))
