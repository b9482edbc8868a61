"""Log-probabilities of reference answers, beside what transformers says of each text by itself."""

from math import exp
from pathlib import Path

import pytest

from stages.lib.answering.comparison import summary
from stages.lib.answering.likelihood import log_probabilities
from stages.lib.answering.measures import LIKELIHOOD
from stages.lib.core.collection import Document
from stages.lib.scoring.causal import CausalModel
from tests.scoring.test_causal import direct
from tests.scoring.tiny import make_tiny_causal

CORPUS = {
    "a": Document("a", "red", "apple the pear"),
    "b": Document("b", "", "blue car"),
    "c": Document("c", "", "green dog bird " * 40),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_causal(tmp_path_factory.mktemp("reader"), "gpt2")


def test_the_likeliest_reference_counts_after_the_passages_that_were_shown(folder: Path) -> None:
    shown = {"base": {"q": ["b", "a"]}, "tuned": {"q": ["a"]}}
    references = {"q": ["the red apple", "a pear"]}
    found = log_probabilities(
        CausalModel(folder), CORPUS, {"q": "what is a plum"}, references, shown, words=2
    )
    # passages of two words, the first beside the question
    heads = {"base": "red apple\n\nblue car\n\n", "tuned": "red apple\n\n"}
    for system, head in heads.items():
        text = f"{head}Question: what is a plum\n\nAnswer: "
        expected = [
            direct(folder, text + answer, len(answer.split())) for answer in references["q"]
        ]
        means = [
            total / len(one.split()) for total, one in zip(expected, references["q"], strict=True)
        ]
        # bfloat16 where the processor has it
        assert found[system]["q"] == pytest.approx(max(means), rel=0.02)


def test_the_same_passages_differ_by_nothing_and_too_long_ones_lose_the_last(folder: Path) -> None:
    model = CausalModel(folder)
    assert model.most_tokens == 64
    shown = {"base": {"q": ["a", "c"]}, "tuned": {"q": ["a", "c"]}}
    found = log_probabilities(model, CORPUS, {"q": "how"}, {"q": ["a dog"]}, shown, words=200)
    assert found["base"] == found["tuned"]
    # of 64 tokens 11 are those of the first passage, the question and the answer
    left = ("green dog bird " * 40).split()[-53:]
    text = f"{' '.join(left)}\n\nred apple the pear\n\nQuestion: how\n\nAnswer: a dog"
    assert found["base"]["q"] == pytest.approx(direct(folder, text, 2) / 2, rel=0.02)


def test_perplexity_is_of_the_means_and_lower_is_better() -> None:
    def measures(first: float, second: float) -> dict[str, dict[str, float]]:
        likely = {"q1": first, "q2": second}
        return {"token_f1": {"q1": 0.5, "q2": 0.5}, LIKELIHOOD: likely}

    figures = summary({"base": measures(-3, -1), "tuned": measures(-2.5, -0.5)}, 200, 1)
    found = figures["perplexity"]
    assert found["base"] == pytest.approx(exp(2), abs=1e-6)
    assert found["tuned"] == pytest.approx(exp(1.5), abs=1e-6)
    assert found["ratio"] == found["low"] == found["high"] == pytest.approx(exp(-0.5), abs=1e-6)
    row = found["log_probability"]
    assert (row["difference"], row["better"], row["n"]) == (0.5, 2, 2)
    # it is one of those that Holm allows for
    assert row["p_holm"] == min(1, 2 * row["p"])
    assert list(figures["comparisons"]) == ["token_f1"], "the others are points of 100"
