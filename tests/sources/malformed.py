"""Malformed inputs of every kind that people bring, and what may come of them: text or one line."""

import json
import time
from collections.abc import Callable, Iterable
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import docx
import pptx
import yaml
from fpdf import FPDF
from hypothesis import strategies as st

from stages.lib.core.collection import read_corpus, read_qrels, read_queries
from stages.lib.core.files import read_json, read_jsonl, read_text
from stages.lib.core.generated import read_generated
from stages.lib.core.text import forbidden
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.sources.formats.section import OnlyLinks
from stages.lib.sources.formats.table import READERS, read_sections
from stages.lib.sources.queries.written import FORMATS, open_written, read_written
from tests.imports import ROOT
from tests.sources.files import epub, odt

SECONDS = 10
"""Of the processor that no input may take."""

MARKUP = r"""<p> <h1> </h1> <ul> <li> <a\ href='#x'> <table> <td> <!-- --> <![CDATA[ <script>
<main> &#0; &x; # ## - * ` ``` ~~~ | |---| > [!NOTE] [^1] [^1]: [a]( ) ![ ::: !!! {note} --- +++
title: {"cells":[ "source": ]} .. :: |x| `_ __ :ref:` _a: === ---- .... |=== [[a]] <<a,b>> {a} :a:
ifdef::x[] NOTE: e word"""
CHARACTERS = "\n \n\n \n\t \x00 \x0c \ud800 \ufdd0 \u0301 \u200b \ufb01 \u202e \u4f60 \xe9"
TOKENS = [token.replace("\\", " ") for token in MARKUP.split()] + CHARACTERS.split(" ")


def _mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """A whole file with some of its bytes changed, left out or repeated."""
    places = st.integers(0, max(0, len(data) - 1))
    edits = st.lists(st.tuples(places, st.integers(0, 40), st.binary(max_size=8)), max_size=6)

    def edited(changes: list[tuple[int, int, bytes]]) -> bytes:
        changed = bytearray(data)
        for start, length, new in changes:
            changed[start : start + length] = new
        return bytes(changed)

    return edits.map(edited)


@cache
def samples() -> dict[str, bytes]:
    """A whole file of each kind that is not text."""
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.start_section("Install")
    pdf.multi_cell(0, text="Take the disk.")
    word, deck = docx.Document(), pptx.Presentation()
    word.add_heading("Install", 1)
    word.add_paragraph("Take the disk.")
    deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = "Install"
    saved = {".pdf": bytes(pdf.output())}
    for suffix, document in {".docx": word, ".pptx": deck}.items():
        document.save(target := BytesIO())  # type: ignore[attr-defined]
        saved[suffix] = target.getvalue()
    with TemporaryDirectory() as folder:
        path = odt(Path(folder) / "a.odt", "<text:h>Install</text:h><text:p>Take it.</text:p>")
        saved[".odt"] = path.read_bytes()
        path = epub(Path(folder) / "a.epub", "Book", {"a.xhtml": "<h1>One</h1><p>Text"})
        saved[".epub"] = path.read_bytes()
    return saved


def files(suffix: str) -> st.SearchStrategy[bytes]:
    """Files that are broken in one way or another, of a kind that has a reader."""
    pieces = st.lists(st.sampled_from(TOKENS) | st.text(max_size=10), max_size=40)
    times = st.integers(1, 3000)
    repeated = st.builds(lambda piece, times: piece * times, st.sampled_from(TOKENS), times)
    texts = (pieces.map(" ".join) | pieces.map("".join) | repeated).map(_bytes)
    noise = st.binary(max_size=200)
    return (_mutated(samples()[suffix]) if suffix in samples() else texts) | noise


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


NAMES = st.text(max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "_id",
    "text",
    "title",
    "query",
    "pos",
    "neg",
    "doc_id",
    "type",
    "queries",
    "corpus",
    "relevant_docs",
]
ROWS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6)
LINES = st.lists(ROWS | JSON, max_size=5).map(lambda rows: "\n".join(map(json.dumps, rows)))
DEEP = ["[" * 100_000, '{"a":' * 50_000]
ODD = st.sampled_from([*DEEP, "9" * 10_000, "\ufeff{}", '"\\ud800"', "NaN", "{}\r\n\r\n{"])
JSONS = (LINES | ROWS.map(json.dumps) | ODD).map(_bytes) | st.binary(max_size=100)
CELLS = st.sampled_from(
    ["q1", "d1", "1", "-1", "0", "9" * 20, "score", "1.5", "", " ", "\xb2", "\0"]
)
QRELS = st.lists(st.lists(CELLS, min_size=1, max_size=5).map("\t".join), max_size=6).map("\n".join)
TABLES = QRELS.map(_bytes) | st.binary(max_size=100)

COMMITTED = (ROOT / "params.yaml").read_text()
SETTINGS: dict[str, Any] = yaml.safe_load(COMMITTED)
PLACES = [
    (section, key)
    for section, values in SETTINGS.items()
    if isinstance(values, dict)
    for key in values
]
ALIASES = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in pairwise("abcdefghijklmnopqrstuvwxyz")
)
ODD_YAML = ["- " * 5000, "[" * 5000, "seed: " + "9" * 6000, "seed: 2024-13-45", "? [a]\n: b"]
ODD_YAML += ["a: &a [*a]", ALIASES, f"{ALIASES}seed: *z"]


def _changed(changes: list[tuple[tuple[str, str], Any]]) -> bytes:
    loaded = yaml.safe_load(COMMITTED)
    for (section, key), value in changes:
        loaded[section][key] = value
    return _bytes(yaml.safe_dump(loaded))


PARAMETERS = (
    st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3).map(_changed)
    | _mutated(COMMITTED.encode())
    | st.sampled_from(ODD_YAML).map(_bytes)
)


def _read_file(path: Path) -> None:
    try:
        sections = read_sections(path)
    except OnlyLinks:
        return
    assert sections
    assert all(section.text and not forbidden(section.text) for section in sections)


def _drained(read: Callable[[Path], Iterable[Any]]) -> Callable[[Path], None]:
    def drain(path: Path) -> None:
        for _ in read(path):
            pass

    return drain


def _written(tool: str) -> dict[str, Callable[[Path], None]]:
    readers = {f"{tool} queries": _drained(lambda path: read_written(tool, path))}
    if FORMATS[tool].documents:
        readers[f"{tool} documents"] = _drained(lambda path: open_written(tool, path).documents)
    return readers


INPUTS: dict[str, tuple[st.SearchStrategy[bytes], Callable[[Path], object]]] = {
    **{suffix: (files(suffix), _read_file) for suffix in READERS},
    "corpus": (JSONS, read_corpus),
    "queries": (JSONS, read_queries),
    "generated": (JSONS, read_generated),
    "rows": (JSONS, _drained(read_jsonl)),
    "json": (JSONS, read_json),
    "text": (st.binary(max_size=100), read_text),
    **{name: (JSONS, read) for tool in FORMATS for name, read in _written(tool).items()},
    "qrels": (TABLES, read_qrels),
    "params": (PARAMETERS, read_params),
}
"""By name: what is generated, and what reads it."""


def check(name: str, data: bytes) -> None:
    """Reads an input: nothing but an error in one line may come of it, in little time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"input{name if name.startswith('.') else ''}"
        path.write_bytes(data)
        begin = time.process_time()
        try:
            INPUTS[name][1](path)
        except UserError as error:
            assert "\n" not in str(error)
            assert len(str(error)) < 5000
        assert time.process_time() - begin < SECONDS
