import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from stages.lib.sources.chunking import LONGEST, Chunker, sentences
from stages.lib.sources.formats.section import Section
from stages.lib.sources.lengths import read_tokenizer
from tests.preparing import word_tokenizer


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return read_tokenizer(word_tokenizer(tmp_path_factory.mktemp("tokens") / "tokenizer.json"))


def cut(words: Tokenizer, overlap: int, text: str, size: int) -> list[str]:
    spans = Chunker(words, size, overlap).chunks(text, size)
    return [text[start:stop] for start, stop in spans]


TEXT = "One two. Three four five. Six!\nSeven eight nine"


def test_sentences_end_with_their_marks_and_lines() -> None:
    parts = [TEXT[start:stop] for start, stop in sentences(TEXT)]
    assert parts == ["One two.", "Three four five.", "Six!", "Seven eight nine"]
    assert [TEXT[a:b] for a, b in sentences("v1.2 ok")] == ["One two"]


def test_chunks_hold_whole_sentences_and_repeat_the_last(words: Tokenizer) -> None:
    # tokens: 3 + 4 + 2 + 3, since marks count
    assert cut(words, 0, TEXT, 9) == [
        "One two. Three four five. Six!",
        "Seven eight nine",
    ]
    assert cut(words, 3, TEXT, 9) == [
        "One two. Three four five. Six!",
        "Six!\nSeven eight nine",
    ]
    assert cut(words, 3, TEXT, 4) == [
        "One two.",
        "Three four five.",
        "Six!",
        "Seven eight nine",
    ]


def test_no_chunk_only_repeats(words: Tokenizer) -> None:
    # beside the last sentence, of 5 tokens, there is no room for the 3 of the one before
    assert cut(words, 4, "a b. c d. e f g h.", 6) == ["a b. c d.", "e f g h."]


def test_a_sentence_longer_than_a_chunk_is_cut_between_words(words: Tokenizer) -> None:
    assert cut(words, 1, "a b c d e f g", 3) == ["a b c", "d e f", "g"]


def test_the_title_takes_its_part(words: Tokenizer) -> None:
    chunker = Chunker(words, 8, 0)
    title, spans = chunker.titled(Section(("Guide", "Use"), "a b c d e f g"))
    assert (title, spans) == ("Guide > Use", [(0, 9), (10, 13)])
    long = Section(("A", "B", "C", "D e"), "a")
    assert chunker.titled(long) == ("C > D e", [(0, 1)])
    assert chunker.titled(Section(("one two three four five",), "a")) == ("", [(0, 1)])


CALL = "x = f(\n    a,\n    b,\n)"


def test_code_that_fits_is_not_cut(words: Tokenizer) -> None:
    # tokens: 9 a call, of which "," and ")" are tokens too
    assert cut(words, 0, f"one two three.\n\n{CALL}\n\nfour", 12) == [
        "one two three.",
        f"{CALL}\n\nfour",
    ]


def test_code_that_does_not_fit_is_cut_between_statements(words: Tokenizer) -> None:
    assert cut(words, 4, f"y = 1\n{CALL}\nz = 2\nreturn z", 11) == [
        "y = 1",
        CALL,
        "z = 2\nreturn z",
    ]
    assert cut(words, 0, f"y = 1\n{CALL}", 4) == ["y = 1", "x = f(", "a,\n    b,", ")"]


def test_a_text_without_an_end_is_cut_before_it_is_counted() -> None:
    text = "x" * (3 * LONGEST) + " y" * LONGEST
    parts = [text[start:stop] for start, stop in sentences(text)]
    assert max(map(len, parts)) <= LONGEST
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


@given(
    text=st.text(alphabet="ab .!\n\u3002\u00e9", max_size=200),
    size=st.integers(1, 12),
    overlap=st.integers(0, 6),
)
def test_chunks_are_bounded_and_lose_nothing(
    words: Tokenizer, text: str, size: int, overlap: int
) -> None:
    chunks = cut(words, overlap, text, size)
    assert all(0 < len(words.encode(chunk)) <= size for chunk in chunks)
    without = cut(words, 0, text, size)
    assert "".join("".join(without).split()) == "".join(text.split())
    assert len(chunks) >= len(without)
    position = 0
    for chunk in chunks:  # each is a part of the text, further on than the one before
        position = text.index(chunk, position)
