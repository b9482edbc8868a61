from pathlib import Path

import pytest

from stages.lib.core.collection import Document
from stages.lib.core.generated import Generated, query_id
from stages.lib.errors import UserError
from stages.lib.people.reviews import good_examples, read_decisions, reviewed

QUERIES = [
    Generated("s1", "a", "question", "one"),
    Generated("s2", "a", "question", "two"),
    Generated("s3", "b", "question", "three"),
    Generated("s4", "b", "question", "four"),
    Generated("s5", "b", "question", "five"),
]


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def test_the_last_decision_counts_whoever_made_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ann.jsonl",
        '{"query_id": "s1", "decision": "drop", "when": "2026-01-02"}',
        '{"query_id": "s2", "decision": "drop", "when": "2026-01-02"}',
        '{"query_id": "s2", "decision": "undone", "when": "2026-01-03"}',
    )
    write(tmp_path, "bob.jsonl", '{"query_id": "s1", "decision": "keep", "when": "2026-01-01"}')
    found = read_decisions(tmp_path)
    assert {name: each.decision for name, each in found.items()} == {"s1": "drop"}
    assert read_decisions(tmp_path / "nowhere") == {}


def test_queries_become_what_people_want(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ann.jsonl",
        '{"query_id": "s1", "decision": "keep"}',
        '{"query_id": "s2", "decision": "edit", "text": " in better  words"}',
        '{"query_id": "s3", "decision": "wrong_document", "doc_id": "c"}',
        '{"query_id": "s4", "decision": "wrong_document"}',
        '{"query_id": "s5", "decision": "drop", "doc_id": "c"}',
    )
    kept, vouched = reviewed(QUERIES, read_decisions(tmp_path))
    assert kept == [
        QUERIES[0],
        Generated(query_id("a", "question", "in better words"), "a", "question", "in better words"),
        Generated(query_id("c", "question", "three"), "c", "question", "three"),
    ]
    assert vouched == {query.query_id for query in kept}
    assert reviewed(QUERIES, {}) == (QUERIES, set())


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"query_id": "s1", "decision": "maybe"}', "ann.jsonl:1: expected a decision of keep"),
        ('{"query_id": "s1", "decision": "edit"}', "ann.jsonl:1: an edit needs a text"),
        ('{"decision": "keep"}', "ann.jsonl:1: .*are strings"),
    ],
)
def test_a_faulty_decision_is_named(tmp_path: Path, line: str, fault: str) -> None:
    write(tmp_path, "ann.jsonl", line)
    with pytest.raises(UserError, match=fault):
        read_decisions(tmp_path)


def test_what_people_kept_is_an_example(tmp_path: Path) -> None:
    write(
        tmp_path,
        "ann.jsonl",
        '{"query_id": "s2", "decision": "edit", "text": "better", "query": "two", "source": "a"}',
        '{"query_id": "s1", "decision": "keep", "query": "one", "source": "a"}',
        '{"query_id": "s3", "decision": "drop", "query": "three", "source": "a"}',
        '{"query_id": "s4", "decision": "keep", "query": "four", "source": "gone"}',
        '{"query_id": "s5", "decision": "keep"}',
    )
    document = Document("a", "A", "text")
    found = good_examples(read_decisions(tmp_path), {"a": document})
    assert found == [("one", document), ("better", document)]
