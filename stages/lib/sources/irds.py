"""Collections of ir_datasets, by id.

A collection's splits are the ids below its own (`beir/nfcorpus/train`); its own judgements, where
it has any, are the test split, unless its name says otherwise or there is a test split below.

The fields of a document differ from type to type. Its title is the field `title`, or what some
types call it; its text is what ir_datasets calls the default text, without the title that often
begins it.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from stages.lib.core.collection import Document, Qrels, check_id
from stages.lib.errors import UserError
from stages.lib.sources.source import Placed, PlacedQuery, Source

SPLIT_OF = {"train": "train", "dev": "dev", "validation": "dev", "valid": "dev", "test": "test"}
"""The split that the last part of an id names."""
GRADES = {"cranfield": {1: 4, 2: 3, 3: 2, 4: 1, -1: 1}}
"""Relevance by grade, for collections whose best grade is 1.

Cranfield's own description of its grades says so (and leaves out -1, one document a query that
most counts take for relevant); ir_datasets passes them on as they are.
"""
TITLES = ("title", "page_title", "document_title", "headline")
"""Fields that hold a title, in the order of preference."""


def open_irds(dataset_id: str, document_fields: Sequence[str], query_field: str) -> Source:
    """Opens a collection of ir_datasets; what is not on this machine is downloaded.

    Args:
        dataset_id: such as beir/nfcorpus.
        document_fields: fields of the documents to join instead of the rule above; a `title` among
            them stays the title. Empty for the rule.
        query_field: field of the queries; empty for ir_datasets' default text.

    Raises:
        UserError: no such id or field, or the collection cannot be had.

    """
    dataset = _load(dataset_id)
    if not dataset.has_docs():
        raise UserError(f"prepare.dataset: {dataset_id!r} has no documents; give another id")
    _check_fields("document_fields", document_fields, dataset.docs_cls()._fields)
    source = Source(dataset_id, _documents(dataset, dataset_id, document_fields))
    for split, split_id in find_splits(dataset_id).items():
        part = _load(split_id)
        if query_field:
            _check_fields("query_field", [query_field], part.queries_cls()._fields)
        with _fetching(split_id):
            source.qrels[split] = _qrels(part, GRADES.get(split_id, {}))
            source.queries[split] = list(_queries(part, split_id, query_field))
    return source


def find_splits(dataset_id: str) -> dict[str, str]:
    """The ids that hold a collection's splits, by split."""
    splits: dict[str, str] = {}
    for part, split in SPLIT_OF.items():
        below = f"{dataset_id}/{part}"
        if split not in splits and _is_known(below) and _is_judged(below):
            splits[split] = below
    own = SPLIT_OF.get(dataset_id.rsplit("/", 1)[-1], "test")
    if own not in splits and _is_judged(dataset_id):
        splits[own] = dataset_id
    return splits


def as_document(doc: Any, fields: Sequence[str], place: str) -> Document:
    """A document of any of ir_datasets' types, by the rule above or by the fields named."""
    if fields:
        title = doc.title if "title" in fields else ""
        text = "\n".join(_joined(getattr(doc, name)) for name in fields if name != "title")
    else:
        title = next((getattr(doc, name) for name in TITLES if hasattr(doc, name)), "") or ""
        if not hasattr(doc, "default_text"):
            raise UserError(
                f"prepare.document_fields: a {type(doc).__name__} has no default text; name some "
                f"of its fields: {', '.join(doc._fields)}"
            )
        text = doc.default_text().strip().removeprefix(title.strip())
    return Document(check_id(doc.doc_id, place), title.strip(), text.strip())


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(map(str, value or ()))


def _documents(dataset: Any, dataset_id: str, fields: Sequence[str]) -> Iterator[Placed]:
    with _fetching(dataset_id):
        for number, doc in enumerate(dataset.docs_iter(), 1):
            place = f"{dataset_id}, document {number}"
            yield Placed(place, as_document(doc, fields, place))


def _queries(dataset: Any, dataset_id: str, field: str) -> Iterator[PlacedQuery]:
    for number, query in enumerate(dataset.queries_iter(), 1):
        place = f"{dataset_id}, query {number}"
        text = getattr(query, field) if field else _default_query(query)
        yield PlacedQuery(place, check_id(query.query_id, place), _joined(text).strip())


def _default_query(query: Any) -> str:
    return str(query.default_text() if hasattr(query, "default_text") else query.text)


def _qrels(dataset: Any, grades: Mapping[int, int]) -> Qrels:
    qrels: Qrels = {}
    for qrel in dataset.qrels_iter():
        relevance = int(qrel.relevance)
        qrels.setdefault(qrel.query_id, {})[qrel.doc_id] = grades.get(relevance, relevance)
    return qrels


def _check_fields(key: str, fields: Sequence[str], existing: Sequence[str]) -> None:
    for name in fields:
        if name not in existing:
            raise UserError(f"prepare.{key}: no field {name!r}; there are {', '.join(existing)}")


def _is_known(dataset_id: str) -> bool:
    try:
        _registry()[dataset_id]
    except KeyError:
        return False
    return True


def _is_judged(dataset_id: str) -> bool:
    dataset = _load(dataset_id)
    return bool(dataset.has_queries() and dataset.has_qrels())


def _load(dataset_id: str) -> Any:
    if not _is_known(dataset_id):
        near = difflib.get_close_matches(dataset_id, list(_registry()), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "see https://ir-datasets.com"
        raise UserError(f"prepare.dataset: ir_datasets knows no {dataset_id!r}; {hint}")
    return _registry()[dataset_id]


def _registry() -> Any:
    try:
        import ir_datasets  # takes half a second and makes folders in its home
    except OSError as error:
        raise UserError(
            f"IR_DATASETS_HOME: {error.filename or 'its folder'} cannot be written "
            f"({error.strerror}); set it to a folder of your own"
        ) from error
    # its log repeats, over many lines, what the error says
    ir_datasets.log.easy().logger().setLevel("ERROR")
    return ir_datasets.registry


@contextmanager
def _fetching(dataset_id: str) -> Iterator[None]:
    """Any failure while ir_datasets reads or downloads, as an error that says so."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # each of its sources fails in ways of its own: transport, archive, checksum, parser
        raise UserError(
            f"prepare.dataset: {dataset_id!r} could not be had ({type(error).__name__}); check the "
            "network, or set IR_DATASETS_HOME to a folder that holds it (a licence may be needed: "
            f"see https://ir-datasets.com/{dataset_id.split('/')[0]}.html)"
        ) from error
