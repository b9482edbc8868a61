"""What the terminal shows of an evaluation."""

from stages.lib.evaluation.table import (
    change_table,
    comparison_table,
    headline,
    in_words,
    p_value,
)
from tests.evaluation.small import evaluation


def test_the_table_of_the_terminal() -> None:
    lines = comparison_table(evaluation().summary()).splitlines()
    assert lines[0] == "On test: 2 queries, 3 documents"
    assert lines[2].split() == ["base", "0.7398", "0.7500", "0.7500", "0.6250", "0.1000", "1.0000"]
    last = "tuned against base +0.0757 -0.3691 to +0.5204 p = 1.000 p = 1.000 1 1"
    assert " ".join(lines[-1].split()) == last
    assert max(map(len, lines)) <= 120


def test_columns_stand_below_each_other_whatever_a_model_is_called() -> None:
    summary = evaluation().summary()
    name = "a-model-of-another-house+bm25"
    summary["systems"][name] = summary["systems"]["base"]
    summary["comparisons"][name] = summary["comparisons"]["tuned"]
    first, second = comparison_table(summary).split("\n\n")
    means = {name: row | {"n": 2} for name, row in summary["systems"].items()}
    rows = [first.splitlines()[1:], change_table(means, means, "v1").splitlines()[1:-1]]
    for lines in (*rows, second.splitlines()[1:]):
        ends = {line.rstrip().rfind(" ") for line in lines}
        assert len(ends) == 1, lines


def test_the_line_of_the_terminal() -> None:
    assert headline(evaluation().summary()) == (
        "nDCG@10 on test (n = 2): 0.8155 as served, 0.7398 by base; +0.0757, 95% interval -0.3691 "
        "to +0.5204, p = 1.000: no difference that 2 queries could tell from chance (only 0.635 "
        "or more) (dense alone +0.0757)"
    )


def test_what_a_comparison_tells_is_said_in_words() -> None:
    assert in_words({"low": 0.01, "high": 0.03, "n": 50}) == "better"
    assert in_words({"low": -0.03, "high": -0.01, "n": 50}) == "WORSE"
    # a standard error of 0.01: four in five differences of 0.028 are told
    row = {"low": -0.0096, "high": 0.0296, "n": 50}
    assert in_words(row).endswith("that 50 queries could tell from chance (only 0.028 or more)")


def test_means_beside_those_of_a_revision() -> None:
    after = evaluation().means()
    before = {
        "gone": after["base"],
        "base": after["base"] | {"ndcg_cut_10": 0.75, "n": 3},
    }
    title, base, tuned, served, gone, key, fault = change_table(before, after, "v1").splitlines()
    assert title.split() == ["nDCG@10", "MRR@10", "Recall@100", "MAP", "P@10", "Hit@10"]
    assert base.split()[:5] == ["base", "0.7398", "(-0.0102)", "0.7500", "(+0.0000)"]
    assert tuned.split()[:3] == ["tuned", "0.8155", "(new)"]
    assert served.split()[:3] == ["served", "0.8155", "(new)"]
    assert gone.split() == ["gone"] * 7
    assert key == "In brackets: the change since v1."
    assert fault == "Not over the same queries: n = 2, 3 in v1, 2 now."
    assert max(map(len, (title, base, tuned, gone))) <= 120


def test_no_p_is_printed_as_0() -> None:
    assert [p_value(p) for p in (0.0001, 0.0314, 1.0)] == ["p < 0.001", "p = 0.031", "p = 1.000"]
