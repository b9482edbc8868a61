import pytest

from stages.lib.answering.passages import Statement, Statements
from stages.lib.llm.answers import UnusableError


def test_a_statement_cites_the_passages_that_were_shown() -> None:
    form = Statements(["files", "mail"])
    item = {"text": "Open  the console.", "doc_ids": ["mail", "price", 7, "files", "mail"]}
    assert form.part(2, item) == ("002", Statement("Open the console.", [1, 2]))
    assert form.part(0, {"text": "So it is.", "doc_ids": []})[1].numbers == []


@pytest.mark.parametrize(
    "item",
    [
        "Open the console.",
        {"text": " ", "doc_ids": ["mail"]},
        {"text": "Open the console."},
        {"text": ["Open"], "doc_ids": []},
    ],
)
def test_what_is_no_statement_is_unusable(item: object) -> None:
    with pytest.raises(UnusableError):
        Statements(["files"]).part(0, item)
