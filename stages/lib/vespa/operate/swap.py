"""A new model takes over from the live one, with no moment at which neither serves.

Every step can be repeated, and the one that changes what users get, the flip of the default query
profile, is the last. A run that is killed leaves the old model serving.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.hashes import file_hash
from stages.lib.errors import UserError
from stages.lib.vespa.operate.checks import Checks, compare, measure, probe
from stages.lib.vespa.operate.feeder import Fed, feed, write_rejected
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import CLUSTER, Application, read_application
from stages.lib.vespa.package.feed import document_id
from stages.lib.vespa.package.generation import Generation
from stages.lib.vespa.search.connection import run
from stages.lib.vespa.search.engine import count_documents, count_vectors


@dataclass(frozen=True, slots=True)
class Package:
    """The folder that the stage `package` wrote."""

    folder: Path

    @property
    def models(self) -> Path:
        """The models by hash."""
        return self.folder / "application" / "models"

    @property
    def documents(self) -> Path:
        """The feed of documents."""
        return self.folder / "feed.jsonl"

    @property
    def vectors(self) -> Path:
        """The feed of vectors, where Vespa does not compute them."""
        return self.folder / "vectors.jsonl"

    @property
    def probes(self) -> Path:
        """Texts with the vectors that they should get in Vespa."""
        return self.folder / "probes.jsonl"

    @property
    def document_probes(self) -> Path:
        """Documents with the vectors that Vespa should have of them."""
        return self.folder / "document_probes.jsonl"

    def generation(self) -> Generation:
        """The one generation of the package."""
        return read_application(self.folder / "application").generations[0]


def swap(site: Site, package: Package, checks: Checks) -> dict[str, Any]:
    """Deploys, fills, compares, measures and flips; returns the receipt."""
    new = package.generation()
    before = site.current()
    feeds = {"documents": package.documents}
    if new.filling == "fed":
        feeds[new.field] = package.vectors
    staged = before.adding(new) if before else Application((new,), new.label)
    staged = staged.forgetting(hashes(site, feeds))
    site.deploy(staged, package.models)
    fed, stored = fill(site, staged, feeds)
    write_rejected(checks.rejected, fed)
    _complete(site, package, staged, new, fed)
    try:
        probed = probe(site, new, checks, fed.rejected)
        parity = compare(site, new, checks)
        measured = measure(site, staged, new, checks)
    except UserError:
        # what was fed is not fed again, should the model be deployed all the same
        known = staged.knowing(stored)
        if known != staged:
            site.deploy(known, package.models)
        raise
    after = staged.serving(new.label).knowing(stored)
    if after != staged:
        site.deploy(after, package.models)
    return {
        "live": after.live,
        "previous": after.previous,
        "field": new.field,
        "models": sorted(after.towers()),
        "fed": dict(after.fed),
        "documents": count_documents(site.connection),
        "rejected": len(fed.rejected),
        "probes": probed,
        "parity": parity,
        "measured": measured,
        "forced": checks.force,
    }


def roll_back(site: Site) -> Application:
    """Flips back to the model that served before, in one deployment."""
    current = _deployed(site)
    if current.previous is None:
        raise UserError("there is no earlier model to go back to: it was pruned, or never was")
    earlier = current.generation(current.previous)
    documents = count_documents(site.connection)
    vectors = count_vectors(site.connection, earlier, documents)
    if vectors < documents:
        raise UserError(
            f"{earlier.field}: only {vectors} of {documents} documents have a vector of the "
            "earlier model, since documents came in after it; deploy that model again instead"
        )
    back = current.serving(earlier.label)
    site.deploy(back)
    return back


def prune(site: Site) -> Application:
    """Removes every model but the live one, with its field and its vectors."""
    current = _deployed(site)
    pruned = current.pruned()
    if pruned != current:
        site.deploy(pruned)
    return pruned


def _deployed(site: Site) -> Application:
    current = site.current()
    if current is None:
        raise UserError(f"{site.connection.target}: nothing is deployed; run make deploy")
    return current


def hashes(site: Site, feeds: Mapping[str, Path]) -> dict[str, str]:
    """The hash of each feed by its name.

    The documents' names the language too: in another one the same texts have other words.
    """
    found = {name: file_hash(path, 16) for name, path in feeds.items()}
    return found | {"documents": f"{found['documents']}-{site.params.bm25.language}"}


def fill(site: Site, staged: Application, feeds: dict[str, Path]) -> tuple[Fed, dict[str, str]]:
    """Stores the feeds that are not there yet; returns what was refused, and the stored hashes.

    `feeds` has the documents first, by that name, then vectors by the name of their field.
    """
    found = hashes(site, feeds)
    fed = Fed()
    for name, path in feeds.items():
        if staged.fed.get(name) != found[name]:
            strangers = _strangers(site, path) if name == "documents" else []
            fed.rejected |= feed(site.connection, _creating_none_of(fed, site, path)).rejected
            _remove(site, strangers)
    # what was refused is tried again by the next run
    return fed, {} if fed.rejected else found


def _complete(site: Site, package: Package, staged: Application, new: Generation, fed: Fed) -> None:
    """Sees to it that every document is there and has a vector of the new model."""
    documents = count_documents(site.connection)
    expected = sum(1 for _ in read_jsonl(package.documents)) - len(fed.rejected)
    if documents < expected:
        raise UserError(f"{expected} documents were fed, but {documents} are in Vespa")
    vectors = count_vectors(site.connection, new, documents)
    if vectors < documents and new.filling == "fed":
        raise UserError(
            f"{new.field}: {vectors} of {documents} documents have a vector; run dvc repro "
            "package, then make deploy"
        )
    if vectors < documents:
        site.reindex(staged, new, documents, package.models)


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
    others = sorted(each for each in stored if not each.startswith(ours))
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
        write_jsonl(removals, ({"remove": each} for each in document_ids))
        feed(site.connection, removals)


def _stored_ids(site: Site) -> Iterator[str]:
    visit = [*site.connection.documents("visit"), "--field-set", "[id]"]
    done = run([*visit, "--content-cluster", CLUSTER, "--bucket-space", "default"])
    for line in done.stdout.splitlines():
        row = json.loads(line)
        if "id" in row:
            yield row["id"]
