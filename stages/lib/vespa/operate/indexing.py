"""Brings a corpus and vectors into Vespa for the pipeline's own searches."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.core.collection import Corpus
from stages.lib.core.files import write_jsonl
from stages.lib.encoding.vectors import load_vectors
from stages.lib.errors import UserError
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.operate.swap import fill, hashes
from stages.lib.vespa.package.application import Application
from stages.lib.vespa.package.feed import document_rows, vector_rows
from stages.lib.vespa.package.generation import index_generation


def index(site: Site, corpus: Corpus, folders: Sequence[Path]) -> Application:
    """Adds an index of each folder of vectors beside what serves, and takes old ones away."""
    name = site.params.package.name
    indexes = {index_generation(folder): folder for folder in folders}
    current = site.current()
    serving = tuple(each for each in current.generations if each.serves) if current else ()
    generations = (*serving, *indexes)
    live = current.live if current and serving else generations[0].label
    feeds = {"documents": site.folder / "feed.jsonl"}
    write_jsonl(feeds["documents"], document_rows(name, corpus))
    for generation, folder in indexes.items():
        feeds[generation.field] = site.folder / f"{generation.field}.jsonl"
        rows = vector_rows(name, list(corpus), load_vectors(folder, corpus), generation)
        write_jsonl(feeds[generation.field], rows)
    application = Application(
        generations, live, current.previous if current else None, current.fed if current else {}
    )
    application = application.knowing({}).forgetting(hashes(site, feeds))
    site.deploy(application)
    fed, stored = fill(site, application, feeds)
    if fed.rejected:
        document, fault = next(iter(sorted(fed.rejected.items())))
        raise UserError(
            f"Vespa refuses {len(fed.rejected)} documents, such as {document} ({fault}); "
            "a search without them would not be the pipeline's: remove them from the collection"
        )
    site.deploy(application.knowing(stored))
    return application
