import csv
import io
import json
from pathlib import Path

import pytest

from stages.lib.core.generated import Generated
from stages.lib.errors import UserError
from stages.lib.page.exchange import as_csv, as_records, read_exchange
from stages.lib.page.reviewing import KEPT, Fate, find_fates, rates, stratified, wilson
from stages.lib.page.web.application import Parts
from stages.lib.params import Params
from stages.lib.people.reviews import Decision
from tests.page.small import CORPUS, make_parts


def fate(number: int, step: str, kind: str = "question") -> Fate:
    return Fate(Generated(f"s{number}", "files", kind, f"text {number}"), step, False)


def decided(*names: str, decision: str) -> dict[str, Decision]:
    return {name: Decision(name, decision, "", "", "ann", "") for name in names}


def test_the_filters_fates_are_told(parts: Parts) -> None:
    found = {each.query.query_id: each.step for each in parts.review.fates}
    assert found["syn-5"] == "not_leaking", "it repeats a test query"
    assert found["syn-2"] == KEPT
    assert len(found) == 5


def test_the_filters_and_the_teacher_are_those_of_select(parts: Parts, params: Params) -> None:
    copied = Generated("syn-6", "files", "question", "open the console now choose")
    (fate,) = find_fates([copied], [], parts.searcher, params)
    assert fate.step == "in_own_words", "five words in a row are the document's"

    # the base looks at how often words stand there, BM25 in the small at how many are shared
    twofold = Generated("syn-7", "files", "keywords", f"{'mailbox ' * 4}console now choose file")
    for weight in (0.0, 1.0):
        fusion = params.fusion.model_copy(update={"dense_weight": weight})
        given = params.model_copy(update={"fusion": fusion})
        (fate,) = find_fates([twofold], [], parts.searcher, given)
        assert fate.disagree == (weight == 0.0), "a teacher of dense scores alone is the base"


def test_each_stratum_comes_as_often_as_any_other() -> None:
    many = [fate(number, KEPT) for number in range(20)]
    few = [fate(number, "retrieved") for number in range(20, 23)]
    order = stratified([*many, *few], 1)
    assert len(order) == 23
    assert [each.step for each in order[:6]].count("retrieved") == 3
    assert order == stratified([*few, *many], 1)


def test_rates_weigh_strata_by_their_size() -> None:
    # 30 questions and 10 keywords were kept; of each two were reviewed, one keyword query is bad
    fates = [fate(number, KEPT) for number in range(30)]
    fates += [fate(number, KEPT, "keywords") for number in range(30, 40)]
    fates += [fate(40, "retrieved")]
    decisions = decided("s0", "s1", "s30", "s40", decision="keep") | decided("s31", decision="drop")
    kept, dropped = rates(fates, decisions)
    assert (kept.queries, kept.reviewed, kept.wrong) == (40, 4, 0.125)
    assert kept.low < 0.125 < kept.high
    assert (dropped.step, dropped.wrong) == ("retrieved", 1.0), "it was dropped, though good"


def test_wilsons_interval() -> None:
    # Newcombe 1998, table I: 0 of 20, and 15 of 148
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_decisions_are_on_disk_and_taken_back(parts: Parts, tmp_path: Path, params: Params) -> None:
    first = parts.review.next()
    assert first
    parts.review.decide(first.query.query_id, "edit", "better words")
    row = json.loads((tmp_path / "reviews/ann.jsonl").read_text())
    assert (row["decision"], row["text"], row["who"]) == ("edit", "better words", "ann")
    again = make_parts(tmp_path, params).review
    assert again.next() != first
    again.undo()
    assert again.next() == first
    for arguments in (("syn-9", "keep"), (first.query.query_id, "maybe"), ("syn-1", "edit", " ")):
        with pytest.raises(UserError):
            again.decide(*arguments)
    with pytest.raises(UserError, match="no document 'nowhere'"):
        again.decide("syn-4", "wrong_document", "", "nowhere")


def test_decisions_travel_as_tables_and_as_records(parts: Parts) -> None:
    parts.review.decide("syn-4", "wrong_document", "", "price")
    parts.review.decide("syn-1", "edit", "=SUM(1) is no formula")
    desk = parts.review
    table = as_csv(desk.fates, desk.decisions, CORPUS)
    rows = {row["query_id"]: row for row in csv.DictReader(io.StringIO(table))}
    assert len(rows) == 5
    assert rows["syn-1"]["text"] == "'=SUM(1) is no formula", "a spreadsheet does not run it"
    assert rows["syn-2"]["decision"] == ""
    records = as_records(desk.fates, desk.decisions, CORPUS)
    assert list(read_exchange(json.dumps(records))) == [], "what is suggested nobody answered"
    for record in records:  # a person takes each suggestion over
        record["responses"] = {
            name: [{"value": suggestion["value"], "user_id": "ann"}]
            for name, suggestion in record["suggestions"].items()
        }
    expected = [
        {"query_id": "syn-1", "decision": "edit", "text": "=SUM(1) is no formula", "doc_id": ""},
        {"query_id": "syn-4", "decision": "wrong_document", "text": "", "doc_id": "price"},
    ]
    for given in (table, json.dumps(records)):
        found = sorted(read_exchange(given), key=lambda row: row["query_id"])
        assert found == expected


@pytest.mark.parametrize("given", ["", "a,b\n1,2\n", "[1]", "[{]", '[{"id": 1, "responses": {}}]'])
def test_what_is_neither_is_refused(given: str) -> None:
    with pytest.raises(UserError):
        list(read_exchange(given))
