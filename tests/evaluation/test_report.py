import base64
import html
import re
from typing import Any

import pytest

from stages.lib.core.collection import Corpus, Document
from stages.lib.evaluation.comparison import Evaluation
from stages.lib.evaluation.groups import groups
from stages.lib.evaluation.money import bills, in_money
from stages.lib.evaluation.pictures import pictures
from stages.lib.evaluation.report import render, unjudged_share
from stages.lib.evaluation.table import comparison_table, headline
from stages.lib.evaluation.variants import Serving
from stages.lib.params import Params
from tests.conftest import Change
from tests.evaluation.small import HOSTILE, evaluation

STAGES: dict[str, Any] = {
    "prepare": {"documents": 3, "zero_shot": False, "test": {"queries": 2, "judgements": 3}},
    "generate": {
        "provider": "openai",
        "uses_llm": True,
        "answered": 2,
        "unanswerable": 1,
        "queries": 6,
        "prompt_tokens": 700,
        "completion_tokens": 80,
    },
    "select": {
        "queries": {"generated": 6, "well_formed": 3, "train": 2, "dev": 1},
        "phrases": {"generated": 8, "distinct": 2},
        "quality": {
            "question": {"queries": 4, "words": 7.5, "first": 0.5, "late": 0.25, "broken": 0.0}
        },
        "left_out": {"retrieved": [{"text": HOSTILE, "type": "question", "doc_id": "b"}]},
    },
    "mine": {
        "teacher": "fusion",
        "dense_weight": 0.75,
        "dev_queries_that_chose": 7,
        "dev_ndcg_cut_10_by_teacher": {"base": 0.5, "fusion": 0.625},
    },
    "train": {
        "chosen": "0.75 of the way",
        "kept_base": False,
        "dev": {"people": 4},
        "examples": 2,
    },
    "train_curve": [
        {"name": "base", "gain": 0.0, "sd": 0.0},
        {"name": "enriched", "gain": 0.01, "sd": 0.01},
        {"name": "0.75 of the way", "gain": 0.02, "sd": 0.01},
    ],
}

SERVING = Serving(
    variants={
        "torch": {"ndcg_cut_10": 0.5},
        "int8": {"ndcg_cut_10": 0.49, "min_cosine": 0.9812, "bytes": 23_400_000},
    },
    verdicts={"int8": {"passed": False, "reason": "int8: a loss of 2.00%"}},
    vector_types={
        "float": {"bytes": 128, "ndcg_cut_10": 0.5},
        "binary": {"bytes": 4, "ndcg_cut_10": 0.45},
    },
)


def rendered(
    corpus: Corpus,
    params: Params,
    stages: dict[str, Any],
    serving: Serving | None = None,
    found: Evaluation | None = None,
) -> str:
    found = found or evaluation()
    drawn = pictures(found, params, stages, serving)
    return render(found, corpus, params, stages, serving, drawn)


@pytest.fixture
def corpus() -> Corpus:
    return {
        "a": Document("a", HOSTILE, "text"),
        "b": Document("b", "", "</td><img src=x onerror=alert(1)> no title " + "long " * 50),
        "c": Document("c", "Gamma", "text"),
    }


def words(page: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<(head|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_answers_have_a_card_where_they_were_measured(corpus: Corpus, params: Params) -> None:
    row = {"difference": 0.25, "low": 0.1, "high": 0.4, "p": 0.02, "p_holm": 0.04}
    answers = {
        system: {"text": f"{HOSTILE} by {system}", "doc_ids": ["a", "b"], "cited": ["b"]}
        for system in ("base", "tuned")
    }
    shown = {"query_id": "q1", "question": "what", "references": ["that"], "delta": 0.5}
    counts = {"better": 3, "worse": 0, "n": 4}
    read_by = {"base": 12.5, "tuned": 10.0, "ratio": 0.8, "low": 0.7, "high": 0.9}
    answer = {
        "questions": 4,
        "drawn": 5,
        "passages": 3,
        "measured_on": "test",
        "references": "the collection's",
        "names": {"token_f1": "token F1"},
        "deciding": "token_f1",
        "systems": {"base": {"token_f1": 0.25}, "tuned": {"token_f1": 0.5}},
        "comparisons": {"token_f1": row | counts},
        "perplexity": read_by | {"log_probability": row | counts},
        "language_model": HOSTILE,
        "order_changed": 0.125,
        "shown": [shown | {"answers": answers}],
    }
    page = rendered(corpus, params, {"answer": answer})
    assert HOSTILE not in page
    assert "token F1 25.0 50.0 +25.0 +10.0 to +40.0 p = 0.020 p = 0.040 3 0 4" in words(page)
    assert "token F1 25.0 → 50.0 : better" in words(page)
    assert "The order changed 12% of the grades" in words(page)
    assert "1 of 5 questions had no answer" in words(page)
    assert "a · rests on b" in words(page)
    read = "12.50 10.00 0.80 times 0.70 to 0.90 times p = 0.020 p = 0.040 3 0 4"
    assert f"perplexity of the reference (lower is better) {read}" in words(page)
    for stages in ({}, {"answer": {"enabled": False}}):
        assert "Are answers better?" not in rendered(corpus, params, stages)


def test_the_report_says_what_was_measured(corpus: Corpus, params: Params) -> None:
    page = words(rendered(corpus, params, STAGES, SERVING))
    # q1 rises from (2/log2(3)) / (2 + 1/log2(3)) = 0.4796 to 1, q2 falls from 1 to 1/log2(3)
    opening = "Nobody can tell whether search has become better: 81.5 points of 100 on 2 judged"
    assert f"{opening} queries, against 74.0 by search with the base model; only 63.5" in page
    assert "+7.6 points (-36.9 to +52.0)" in page
    assert "As served: nDCG@10 0.7398 (base) → 0.8155 ( +0.0757 ): no difference" in page
    assert "Dense search alone: 0.7398 → 0.8155 (+0.0757), 95% interval" in page
    assert "on test, n = 2 queries" in page
    assert "1 queries better, 1 worse, 0 alike" in page
    assert f"Base model: {params.base.model}" in page
    assert "The 6 synthetic queries were written by an LLM (provider openai)." in page
    assert "answered 2 · unanswerable 1 · queries 6 · prompt tokens 700" in page
    assert "well formed 3 50%" in page
    assert "fusion taught, with a share of 0.75 of the dense scores" in page
    assert "(n = 7): base 0.5000 · fusion 0.6250." in page
    assert "distinct 2 25% Shares of the n = 8 generated phrases" in page
    assert "question 4 7.5 50% 25% 0%" in page
    assert f"{HOSTILE} not retrieved; question, for b" in page
    assert "test 2 3" in page
    assert "Chosen: 0.75 of the way." in page
    assert "people, n = 4. Trained on 2 queries." in page
    assert "int8 0.4900 -2.00% 0.9812 23.4 no Refused by dev: int8: a loss of 2.00%" in page
    assert "float 128 100% 0.5000 +0.00% binary 4 3% 0.4500 -10.00%" in page
    assert "not evidence" not in page
    assert "base was kept" not in page


def test_the_worst_and_best_queries_show_their_documents(corpus: Corpus, params: Params) -> None:
    page = words(rendered(corpus, params, {}))
    worst, best = page.split("Queries that gained most")
    assert "-0.369 where is it q2" in worst.split("Queries that lost most")[1]
    assert f"+0.520 {HOSTILE} q1" in best
    assert "Gamma c" in best, "what base put first"
    # a: rank 2 by base, 1 by tuned; b: not found by base, 2 by tuned
    assert f"{HOSTILE} a 2 2 1" in best
    assert re.search(r"no title (long )+l?o?n?g?… b 1 - 2", best)


def test_hostile_text_stays_text(corpus: Corpus, params: Params) -> None:
    page = rendered(corpus, params, STAGES, SERVING)
    assert page.count("&lt;script&gt;") >= 3
    assert "<script" not in page
    assert not re.search(r"<img (?!src=\"data:)", page)
    assert not re.search(r"(src|href)=\"(?!data:|#)", page), "the page needs no other file"


def test_the_page_stands_by_itself_and_is_the_same_each_time(
    corpus: Corpus, params: Params
) -> None:
    page = rendered(corpus, params, STAGES, SERVING)
    assert page.lstrip().startswith("<!doctype html>")
    pictures = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", page)
    assert len(pictures) == 5
    assert all(b"<svg" in base64.b64decode(picture) for picture in pictures)
    assert page == rendered(corpus, params, STAGES, SERVING)


def test_without_an_llm_the_report_says_so(corpus: Corpus, params: Params) -> None:
    generate = STAGES["generate"] | {"provider": "extractive", "uses_llm": False}
    assert "No LLM was used" in words(rendered(corpus, params, {"generate": generate}))


def test_rules_and_queries_are_shown(corpus: Corpus, params: Params) -> None:
    row = {"_id": "1", "doc_id": "a", "type": "question", "text": f"what is {HOSTILE}"}
    found = {"queries": 3, "share": 0.5, "most": {"zentrix": 3, "savings": 1}}
    generate = STAGES["generate"] | {"shown": [row], "foreign_words": found}
    refused = [{"rule": f"Say {HOSTILE}", "why": "an order to the model"}]
    rules = {"rules": 1, "texts": ["Queries are short."], "refused": refused}
    page = rendered(corpus, params, {"generate": generate, "rules": rules})
    text = words(page)
    assert f"what is {HOSTILE} question, for a" in text
    assert "50% have a word that no document has as it is written: zentrix 3 · savings 1." in text
    assert "The 1 rules that they follow, and 1 that were not used Queries are short." in text
    assert f"Not used, an order to the model: Say {HOSTILE}" in text
    assert HOSTILE not in page


def test_who_gained_is_told_by_form_and_length(corpus: Corpus, params: Params) -> None:
    found = groups(evaluation(), "served", 200, 1)
    # "where is it" lost 0.369, the other, of five words, gained 0.520
    assert [(g.name, g.n, round(g.difference, 3)) for g in found] == [
        ("keywords: 4 words at most", 1, -0.369),
        ("other sentences", 1, 0.52),
        ("short: below 5 words", 1, -0.369),
        ("5 to 12 words", 1, 0.52),
    ]
    assert unjudged_share(evaluation()) == 0.25, "q2's a, of four documents in all"
    page = words(rendered(corpus, params, {}))
    assert "25% of what is served at the first ten ranks was never judged" in page


def test_what_the_llm_cost_is_told(corpus: Corpus, with_params: Change) -> None:
    prices = {"some": {"input": 1.0, "output": 2.0}}
    paid = {"llm.provider": "openai", "llm.model": "some", "prices.models": prices}
    counts = {"responses": 10, "prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    stages = {
        "generate": STAGES["generate"] | counts,
        "judge_dev": {"hard": counts, "more": counts},
    }
    stages["expand"] = {"enabled": False}
    rows = bills(stages, with_params(paid))
    assert [(bill.stage, bill.responses, bill.money) for bill in rows] == [
        ("generate", 10, 2.0),
        ("judge_dev", 20, 4.0),
    ]
    page = words(rendered(corpus, with_params(paid), stages))
    assert "6.00 for 30 answers, at the prices of params.yaml" in page
    half = bills(stages, with_params(paid | {"llm.mode": "batch", "prices.batch_factor": 0.5}))
    assert [bill.money for bill in half] == [1.0, 2.0]
    free = bills(stages, with_params({"llm.provider": "recorded"}))
    assert {bill.money for bill in free} == {None}
    assert in_money(free, "recorded") == "30 answers, nothing charged (recorded)"
    assert in_money([], "none") == "none was asked"


def test_a_run_without_train_labels_is_called_zero_shot(corpus: Corpus, params: Params) -> None:
    for zero_shot in (True, False):
        stages = {"prepare": STAGES["prepare"] | {"zero_shot": zero_shot}}
        page = words(rendered(corpus, params, stages))
        assert ("Zero-shot: there are no train judgements" in page) == zero_shot


def test_imported_queries_alone_are_said(corpus: Corpus, params: Params) -> None:
    stages = {
        "prepare": STAGES["prepare"] | {"imported_queries": 12},
        "generate": {"provider": "none", "uses_llm": False, "queries": 0},
    }
    page = words(rendered(corpus, params, stages))
    assert "No queries were generated: 12 that another tool wrote were imported." in page
    assert "No LLM" not in page


def test_a_kept_base_is_said(corpus: Corpus, params: Params) -> None:
    same = {"q1": {"a": 1.0}, "q2": {"c": 1.0}}
    train = STAGES["train"] | {"chosen": "base", "kept_base": True}
    page = words(rendered(corpus, params, {"train": train}, found=evaluation("test", same, same)))
    assert "The base was kept, and “tuned” is the base" in page
    assert "so the base model is kept: it reaches 88.0 points" in page
    assert "p = 1.000" in page
    assert "Queries that lost most None." in page


def test_dev_queries_that_tell_nothing_of_bm25_are_said(corpus: Corpus, params: Params) -> None:
    mine = STAGES["mine"] | {"dev_queries_that_chose": 0, "dev_ndcg_cut_10_by_teacher": {}}
    page = words(rendered(corpus, params, {"mine": mine}))
    assert "tell nothing of BM25: the share is the careful default" in page
    assert "(n = 0)" not in page


def test_synthetic_queries_are_no_evidence(corpus: Corpus, params: Params) -> None:
    found = evaluation("synthetic dev")
    page = words(rendered(corpus, params, {}, found=found))
    assert "neither test nor dev judgements" in page
    assert "could tell from chance" not in page + headline(found.summary())
    assert "Nobody knows yet whether search has become better" in page
    assert "synthetic dev: not evidence of quality, n = 2 queries" in page
    assert "not evidence of quality" in comparison_table(found.summary())
    assert "so flatter it" in words(rendered(corpus, params, {}, found=evaluation("dev")))
