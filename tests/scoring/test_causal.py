"""Scores of answers, beside what transformers says of each text by itself."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from stages.lib.errors import UserError
from stages.lib.llm.storage.store import Store
from stages.lib.scoring.scorer import Local, score
from stages.lib.scoring.wording import Asked, before, check_template
from tests.scoring.tiny import make_tiny_causal


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_causal(tmp_path_factory.mktemp(request.param), request.param)


def direct(folder: Path, text: str, answer: int) -> float:
    """The log-probability of the last tokens of a text, by one pass over it alone."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    model.eval()
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        likely = model(ids).logits[0].log_softmax(-1)
    tokens = ids[0].tolist()
    places = range(len(tokens) - answer, len(tokens))
    return float(sum(likely[place - 1, tokens[place]] for place in places))


def test_scores_in_batches_are_those_of_each_text_alone(folder: Path, tmp_path: Path) -> None:
    texts = [
        ("what is the red apple", " the car", 2),
        ("a dog", " bird", 1),
        ("the green bus of the blue train is red", " what is a plum", 4),
    ]
    scorer = Local(folder)
    asked = [Asked(head, answer, scorer.name, 64) for head, answer, _ in texts]
    found = score(asked, scorer, Store(tmp_path / "out.jsonl", tmp_path / "journal.db"))
    for (head, answer, tokens), one in zip(texts, found, strict=True):
        assert one.tokens == tokens
        # bfloat16 where the processor has it
        expected = direct(folder, head + answer, tokens)
        assert one.total == pytest.approx(expected, rel=0.02)
        assert one.mean == pytest.approx(expected / tokens, rel=0.02)


def test_what_is_stored_is_not_computed_again(folder: Path, tmp_path: Path) -> None:
    scorer = Local(folder)
    asked = [Asked("a red", " car", scorer.name, 64), Asked("a blue", " car", scorer.name, 64)]
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    first = score(asked, scorer, store)
    store.save()

    class Refusing:
        name = scorer.name

        def fill(self, asked: object, store: Store) -> None:  # noqa: ARG002
            assert asked == []

    again = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    assert score(asked, Refusing(), again) == first


def test_a_text_that_is_too_long_keeps_its_answer(folder: Path, tmp_path: Path) -> None:
    scorer = Local(folder)
    long = Asked("red " * 40 + "the dog", " bird", scorer.name, 16)
    short = Asked("red " * 13 + "the dog", " bird", scorer.name, 16)
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
    cut, whole = score([long, short], scorer, store)
    assert cut.tokens == 1
    assert cut.total == pytest.approx(whole.total, rel=0.02)


def test_a_folder_without_a_language_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^scoring\.model: .* is no causal language model"):
        Local(tmp_path)


def test_the_template_makes_what_stands_before_the_answer() -> None:
    template = "K: {document}\nQ: {query}\nA: {answer}"
    check_template(template)
    assert before(template, " why? ", "a {query}\nb", 5) == "K: a {query}\nb\nQ: why?\nA: "
    assert before("{document}{answer}", "", "one two three", 2) == "one two"
    for wrong in ("{document} {query}", "{answer} {query}", "{name}{answer}"):
        with pytest.raises(ValueError, match="has to hold"):
            check_template(wrong)
