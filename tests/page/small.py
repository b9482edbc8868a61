"""A page over six documents, whose systems need no model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from stages.lib.core.collection import Corpus, Document, Split
from stages.lib.core.generated import Generated
from stages.lib.core.text import words
from stages.lib.encoding.encoder import Vectors
from stages.lib.llm.judging import Plan
from stages.lib.page.asking import Answerer
from stages.lib.page.examples import ExampleDesk
from stages.lib.page.gains import JudgedQueries
from stages.lib.page.judging import Desk
from stages.lib.page.reviewing import ReviewDesk
from stages.lib.page.searching import Searcher
from stages.lib.page.web.application import Parts
from stages.lib.params import Params
from stages.lib.search.engine import Dense
from tests.imports import ROOT

HOSTILE = "<script>alert('x')</script>"
CORPUS: Corpus = {
    document.doc_id: document
    for document in (
        Document("files", "Restore a file", "Open the console now. Choose the file to restore."),
        Document("mail", "Restore a mailbox", "Open the mailbox. Restore the mail from there."),
        Document("price", "Prices", "A licence costs ten a year. Students pay nothing at all."),
        Document("tape", "Tapes", "Tapes keep data for years. A tape drive writes the tapes."),
        Document("keys", "Keys", f"A key locks the data. {HOSTILE} is no key at all, by the way."),
        Document("trial", "Trial", "The trial lasts a month. After the trial a licence is due."),
    )
}
VOCABULARY = sorted({word for document in CORPUS.values() for word in words(document.contents)})


def vector(text: str) -> Vectors:
    """The words of a text as a unit vector."""
    found = words(text)
    counts = np.array([found.count(word) for word in VOCABULARY], np.float32)
    return np.asarray(counts / max(1e-9, float(np.linalg.norm(counts))), np.float32)


class Words(Dense):
    """A model that compares words, some of which it takes for others."""

    def __init__(self, synonyms: dict[str, str]) -> None:
        self.doc_ids = list(CORPUS)
        self.vectors = np.stack([vector(document.contents) for document in CORPUS.values()])
        self._synonyms = synonyms

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.stack([vector(" ".join(map(self._known, words(text)))) for text in texts])

    def _known(self, word: str) -> str:
        return self._synonyms.get(word, word)


class Shared:
    """BM25 in the small: the number of words that a text shares with a document."""

    def __init__(self) -> None:
        self.doc_ids = list(CORPUS)

    def scores(self, texts: Sequence[str]) -> Vectors:
        asked = [set(words(text)) for text in texts]
        known = [set(words(document.contents)) for document in CORPUS.values()]
        return np.array([[len(a & k) for k in known] for a in asked], np.float32)


TEST = Split(
    {"t1": "recover a document", "t2": "restore mailbox", "t3": "cost of a licence"},
    {"t1": {"files": 2}, "t2": {"mail": 1}, "t3": {"price": 2, "trial": 1}},
)
GENERATED = [
    Generated("syn-1", "files", "question", "how is a file restored from the console"),
    Generated("syn-2", "files", "keywords", "restore file"),
    Generated("syn-3", "tape", "keywords", "tape drive years"),
    Generated("syn-4", "tape", "question", "where do students pay nothing"),
    Generated("syn-5", "keys", "keywords", "restore mailbox"),
]
"""syn-4 has a wrong document, and syn-5 repeats a test query."""

EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "short-long": [
        {
            "query": f"what does {name} cost {HOSTILE}",
            "pos": [f"The {name} costs ten."],
            "neg": [f"The {name} is old."],
            "task": "Find prices.",
            "family": "short-long",
            "id": f"ex-{name}",
        }
        for name in ("ferry", "train", "bus")
    ],
    "similarity": [
        {
            "query": "a cat sleeps",
            "pos": ["a cat rests"],
            "neg": [],
            "score": 0.8,
            "task": "Find what means the same.",
            "family": "similarity",
            "id": "ex-cat",
        }
    ],
}

PLAN = Plan(
    {},
    {"llm-1": "keep data for years"},
    {"llm-1": "vague"},
    {"llm-1": ["tape"]},
    {"llm-1": ["keys"]},
)
QUESTION = "what does a licence cost"


def searcher(folder: Path) -> Searcher:
    """The systems; `tuned` knows three words that the documents do not have."""
    base = Words({})
    texts = [[d.title, *d.text.split(". ")] for d in CORPUS.values()]
    folder.mkdir(exist_ok=True)
    np.save(folder / "sentences.npy", np.stack([vector(s) for part in texts for s in part]))
    np.save(folder / "sentence_starts.npy", np.arange(0, 3 * len(texts), 3))
    models = {
        "base": base,
        "tuned": Words({"document": "file", "recover": "restore", "post": "mailbox"}),
    }
    return Searcher(CORPUS, Shared(), models, {"base": 0.7, "tuned": 0.7}, folder)


def make_parts(folder: Path, params: Params, who: str = "ann", provider: str = "recorded") -> Parts:
    """The page's parts, with what people did in a folder, where it stays."""
    recorded = folder / "recorded"
    recorded.mkdir(parents=True, exist_ok=True)
    answer = [
        {"text": "A licence costs ten a year.", "doc_ids": ["price"]},
        {"text": "Nobody was shown this.", "doc_ids": ["another"]},
    ]
    row = {"question": QUESTION, "statements": answer}
    (recorded / "answers.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    llm = params.llm.model_copy(update={"provider": provider, "recorded": recorded})
    params = params.model_copy(update={"llm": llm})
    found = searcher(folder / "vectors")
    return Parts(
        found,
        JudgedQueries(found, {"test": TEST, "dev": Split()}, params.seed),
        Desk(folder / "judgements", who, found, PLAN.shown, params.seed),
        ReviewDesk(folder / "reviews", who, GENERATED, list(TEST.queries.values()), found, params),
        ExampleDesk(folder / "example_reviews", who, EXAMPLES, params.seed),
        Answerer(CORPUS, ROOT / "stages/prompts", folder / "ask.jsonl", params),
        PLAN,
        {"llm-1": {"tape": 3}},
        params.seed,
    )
