import pytest

from stages.lib.core.generated import Generated
from stages.lib.selection.quality import is_broken, qualities, samples


@pytest.mark.parametrize(
    "text",
    [
        "red apples,",
        "what is the",
        "which of the cars are red and ",
        "the the car",
        "see (",
        "a \u2013",
    ],
)
def test_what_breaks_off_or_stutters_is_broken(text: str) -> None:
    assert is_broken(text)


@pytest.mark.parametrize(
    "text", ["red apples", "what is the range of a car?", "vitamin a", "10 10 rule", "vinos y c."]
)
def test_what_ends_is_whole(text: str) -> None:
    assert not is_broken(text)


def query(name: str, kind: str, text: str = "red apples") -> Generated:
    return Generated(name, f"for-{name}", kind, text)


def test_shares_are_by_type_and_copies_count_as_the_document() -> None:
    queries = [
        query("a", "question"),
        query("b", "question", "which car and"),
        query("c", "question"),
        query("d", "keywords", "one two three four"),
    ]
    eleven = {f"d{n:02}": 1 / (n + 1) for n in range(10)}
    ranking = {
        "a": {"for-a": 0.9, "for-b": 0.5},
        "b": {**eleven, "for-b": 0.01},
        "c": {"other": 0.9},
        "d": {"other": 0.9, "copy": 0.8},
    }
    copies = dict.fromkeys(("copy", "for-d"), ("copy", "for-d"))
    assert qualities(queries, ranking, copies) == {
        "keywords": {"queries": 1, "words": 4, "first": 0, "late": 0, "broken": 0},
        "question": {
            "queries": 3,
            "words": 2.3,
            "first": 0.3333,
            "late": 0.6667,
            "broken": 0.3333,
        },
    }


def test_some_of_what_each_filter_left_out_are_drawn() -> None:
    many = [query(f"q{n}", "question") for n in range(9)]
    dropped = {"distinct": many, "retrieved": many[:1], "confirmed": []}
    drawn = samples(dropped, seed=13)
    assert {step: len(rows) for step, rows in drawn.items()} == {"distinct": 3, "retrieved": 1}
    assert drawn["retrieved"] == [{"text": "red apples", "type": "question", "doc_id": "for-q0"}]
    assert samples(dropped, seed=14)["distinct"] != drawn["distinct"]
