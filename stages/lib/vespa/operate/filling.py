"""Feeds are brought into Vespa, and what the collection no longer has is removed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stages.lib.core.files import read_jsonl, read_lines, write_jsonl
from stages.lib.core.hashes import file_hash
from stages.lib.errors import UserError
from stages.lib.vespa.operate.feeder import Fed, feed
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import CLUSTER, DOCUMENTS, Application
from stages.lib.vespa.package.feed import document_id
from stages.lib.vespa.search.connection import run
from stages.lib.vespa.search.engine import count_documents, count_vectors


def hashes(site: Site, feeds: Mapping[str, Path]) -> dict[str, str]:
    """The hash of each feed by its name.

    The documents' names the language too: in another one the same texts have other words.
    """
    by_name = {name: file_hash(path, 16) for name, path in feeds.items()}
    return by_name | {DOCUMENTS: f"{by_name[DOCUMENTS]}-{site.params.bm25.language}"}


def fill(site: Site, staged: Application, feeds: Mapping[str, Path]) -> tuple[Fed, dict[str, str]]:
    """Stores the feeds that are not there yet; returns what was refused, and the stored hashes.

    The documents come first: vectors are of those that are there. What the manifest calls stored
    is counted all the same, and fed again where something is missing; and nothing is called stored
    that was not counted. What was refused is tried again by the next run, so that nothing then
    counts as stored.
    """
    wanted = hashes(site, feeds)
    fed = Fed()
    for name in sorted(feeds, key=lambda name: name != DOCUMENTS):
        if staged.fed.get(name) == wanted[name] and not missing(site, staged, name, feeds[name]):
            continue
        strangers = _strangers(site, feeds[name]) if name == DOCUMENTS else []
        path = _creating_none_of(fed, site, feeds[name])
        fed.rejected |= feed(site.connection, path, site.folder, site.renew).rejected
        _remove(site, strangers)
    whole = {
        name: text for name, text in wanted.items() if not missing(site, staged, name, feeds[name])
    }
    return fed, {} if fed.rejected else whole


def missing(site: Site, application: Application, name: str, path: Path) -> int:
    """How many documents, or vectors of a field, fewer are in Vespa than a feed has."""
    documents = count_documents(site.connection)
    stored = documents
    if name != DOCUMENTS:
        profile = next(each for each in application.profiles if each.field == name)
        stored = count_vectors(site.connection, profile, documents)
    return max(0, sum(1 for _ in read_lines(path)) - stored)


def _creating_none_of(fed: Fed, site: Site, vectors: Path) -> Path:
    """The vectors' feed, where documents that were refused get one only if they are there.

    They are where Vespa refused a change of them; where they are not, they would come to be without
    a text.
    """
    if not fed.rejected:
        return vectors
    path = site.folder / vectors.name
    rows = (row for _, row in read_jsonl(vectors))
    write_jsonl(path, (row | {"create": row["update"] not in fed.rejected} for row in rows))
    return path


def _strangers(site: Site, documents: Path) -> list[str]:
    """The documents in Vespa that the collection no longer has.

    Raises:
        UserError: documents of another name are there, which would answer beside those to be fed.

    """
    ours = document_id(site.params.package.name, "")
    stored = set(_stored_ids(site))
    others = sorted(name for name in stored if not name.startswith(ours))
    if others:
        raise UserError(
            f"{site.connection.endpoint}: {len(others)} documents there have another name than "
            f"{ours}..., such as {others[0]}; set package.name back to theirs, or remove them "
            "(vespa visit lists, vespa document remove removes)"
        )
    return sorted(stored - {row["update"] for _, row in read_jsonl(documents)})


def _remove(site: Site, document_ids: Sequence[str]) -> None:
    if document_ids:
        removals = site.folder / "removals.jsonl"
        write_jsonl(removals, ({"remove": name} for name in document_ids))
        feed(site.connection, removals, site.folder, site.renew)


def _stored_ids(site: Site) -> Iterator[str]:
    visit = [*site.connection.documents("visit"), "--field-set", "[id]"]
    done = run([*visit, "--content-cluster", CLUSTER, "--bucket-space", "default"])
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if "id" in row:
            yield row["id"]
