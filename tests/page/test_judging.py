import json
from pathlib import Path

import pytest

from stages.lib.core.collection import Split
from stages.lib.errors import UserError
from stages.lib.page.importing import drawn, parse, query_id
from stages.lib.page.judging import Desk, agreements
from stages.lib.page.needed import outlook
from stages.lib.page.web.application import Parts
from stages.lib.params import Params
from stages.lib.people.judgements import read_people
from tests.page.small import CORPUS, make_parts, searcher


@pytest.mark.parametrize(
    ("given", "queries"),
    [
        ("restore file\n\n Restore  FILE \nprices\n", ["restore file", "prices"]),
        ("id;query;count\n1;restore file;9\n2;prices;3\n", ["restore file", "prices"]),
        ('query,n\n"a, b",1\n', ["a, b"]),
        ('{"query": "a b"}\n{"text": "c"}\nbroken\n', ["a b", "c"]),
        (
            '1.2.3.4 - "GET /search?q=restore+file&p=2 HTTP/1.1" 200\n'
            '1.2.3.4 - "GET /search?lang=en&q=caf%C3%A9 HTTP/1.1" 200\n"GET /favicon.ico"\n',
            ["restore file", "café"],
        ),
        ("x" * 301, []),
    ],
)
def test_queries_are_found_in_what_people_have(given: str, queries: list[str]) -> None:
    assert parse(given) == queries


def test_queries_are_drawn_by_hash() -> None:
    some = [f"query {number}" for number in range(20)]
    assert drawn(some, 5, 1) == drawn(some[::-1], 5, 1)
    assert set(drawn(some, 5, 1)) <= set(drawn([*some, "one more"], 6, 1))


def grade_all(desk: Desk, grades: dict[str, int]) -> int:
    """Grades all documents as a table says, 0 where it says nothing; the number of grades."""
    count = 0
    while task := desk.next():
        desk.grade(task.query_id, task.document.doc_id, grades.get(task.document.doc_id, 0))
        count += 1
    return count


def test_the_pool_is_what_any_system_finds_shuffled_and_the_same_for_everybody(
    parts: Parts, tmp_path: Path, params: Params
) -> None:
    parts.desk.add(["restore file"])
    assert grade_all(parts.desk, {"files": 3}) == len(CORPUS)
    name = query_id("restore file")
    pool = parts.desk.judge.pools[name]
    assert sorted(pool) == sorted(CORPUS)
    ranked = list(parts.searcher.runs({"": "restore file"}, ["tuned"], 10)["tuned"][""])
    assert pool != ranked, "the order tells nothing of ranks"
    other = make_parts(tmp_path, params, "bob").desk
    grade_all(other, {"files": 3, "mail": 2})
    assert other.judge.pools[name] == pool


def test_what_was_graded_is_on_disk_before_the_next_is_shown(
    parts: Parts, tmp_path: Path, params: Params
) -> None:
    parts.desk.add(["restore file", "prices"])
    first = parts.desk.next()
    assert first
    parts.desk.grade(first.query_id, first.document.doc_id, 2)
    lines = (tmp_path / "judgements/ann.jsonl").read_text().splitlines()
    row = json.loads(lines[-1])
    assert (row["doc_id"], row["relevance"], row["who"]) == (first.document.doc_id, 2, "ann")
    assert row["when"].endswith("+00:00")
    # another process finds it, and goes on where this one stopped
    again = make_parts(tmp_path, params).desk
    assert again.next() == parts.desk.next() != first
    again.undo()
    assert again.next() == first
    assert make_parts(tmp_path, params).desk.next() == first


def test_a_torn_line_is_cut_off(parts: Parts, tmp_path: Path, params: Params) -> None:
    parts.desk.add(["prices"])
    task = parts.desk.next()
    assert task
    path = tmp_path / "judgements/ann.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"query_id": "q-')
    assert make_parts(tmp_path, params).desk.next() == task
    assert path.read_bytes() == whole


def test_skipped_queries_do_not_count_and_come_back(parts: Parts) -> None:
    desk = parts.desk
    desk.add(["prices"])
    task = desk.next()
    assert task
    desk.skip(task.query_id)
    assert desk.next() is None
    assert desk.progress().share == 1.0
    assert desk.people.qrels() == {}
    desk.undo()
    assert desk.next() == task


def test_what_was_not_shown_is_not_graded(parts: Parts) -> None:
    parts.desk.add(["prices"])
    task = parts.desk.next()
    assert task
    for name, doc_id in ((task.query_id, "another"), ("q-unknown", task.document.doc_id)):
        with pytest.raises(UserError, match="reload the page"):
            parts.desk.grade(name, doc_id, 1)


def test_two_people_agree_as_far_as_kappa_says(
    parts: Parts, tmp_path: Path, params: Params
) -> None:
    parts.desk.add(["prices"])
    grade_all(parts.desk, {"price": 3, "trial": 1})
    other = make_parts(tmp_path, params, "bob").desk
    grade_all(other, {"price": 3, "trial": 1})
    (found,) = agreements(read_people(tmp_path / "judgements"))
    assert (found.who, found.other, found.pairs, found.kappa) == ("ann", "bob", 6, 1.0)


def test_how_many_more_are_needed_follows_from_the_spread(parts: Parts) -> None:
    desk = parts.desk
    people = desk.people
    assert outlook(people, parts.searcher, "base", "tuned", 1) is None
    desk.add(["recover document", "post", "prices", "tapes", "keys"])
    while task := desk.next():
        wanted = {"recover document": "files", "post": "mail"}.get(task.text)
        wanted = wanted or next(d for d in CORPUS if CORPUS[d].title.lower() == task.text)
        desk.grade(task.query_id, task.document.doc_id, 3 * (task.document.doc_id == wanted))
    found = outlook(people, parts.searcher, "base", "tuned", 1)
    assert found
    assert found.n == 5
    assert found.low <= found.difference <= found.high
    assert found.more[0.02] > found.more[0.03] > found.more[0.05]
    same = outlook(people, parts.searcher, "base", "base", 1)
    assert same
    assert same.more[0.02] == 0, "where nothing differs, nothing more is needed"


def test_queries_that_others_added_meanwhile_stay(
    parts: Parts, tmp_path: Path, params: Params
) -> None:
    other = make_parts(tmp_path, params, "bob").desk
    other.add(["prices"])
    parts.desk.add(["keys"])
    assert set(read_people(tmp_path / "judgements").queries.values()) == {"keys", "prices"}


def test_checks_of_the_llm_are_no_queries_of_a_split(parts: Parts, tmp_path: Path) -> None:
    assert parts.plan
    parts.desk.add_checks(parts.plan.queries, 5)
    assert grade_all(parts.desk, {"tape": 3}) == 2, "what the model graded, and nothing else"
    people = read_people(tmp_path / "judgements")
    assert people.checks == {"llm-1"}
    assert Split(people.queries, people.qrels()).qrels == {"llm-1": {"tape": 3, "keys": 0}}


def test_a_document_that_is_gone_is_left_out(tmp_path: Path) -> None:
    found = searcher(tmp_path / "vectors")
    folder = tmp_path / "judgements"
    folder.mkdir()
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "prices"}\n')
    (folder / "ann.jsonl").write_text('{"query_id": "q", "pool": ["gone", "price"]}\n')
    task = Desk(folder, "ann", found, {}, 1).next()
    assert task
    assert (task.document.doc_id, task.of) == ("price", 1)
