from stages.lib.core.collection import Document
from stages.lib.core.phrases import Telling, terms


def test_terms_are_words_as_they_stand_without_stop_words() -> None:
    assert terms("The re-start of v2, in 2024: IT restores_all!") == ["re-start", "restores_all"]


def test_telling_words_are_frequent_here_and_rare_elsewhere() -> None:
    corpus = {
        doc_id: Document(doc_id, "", text)
        for doc_id, text in {
            "a": "restore restore archive backup quota",
            "b": "backup schedule",
            "c": "backup invoice quota",
        }.items()
    }
    # a: restore (1 + log 2) log 3, archive log 3, quota log 1.5, backup log 1
    words = ["restore", "archive", "quota", "backup"]
    assert Telling(corpus).words(corpus["a"], 5) == words
    assert Telling(corpus).words(corpus["c"], 1) == ["invoice"]
