"""Brings a corpus and vectors into Vespa for the pipeline's own searches."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.core.collection import Corpus
from stages.lib.core.files import write_jsonl
from stages.lib.encoding.vectors import load_vectors
from stages.lib.errors import UserError
from stages.lib.vespa.operate.filling import fill, hashes
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import DOCUMENTS, Application
from stages.lib.vespa.package.feed import document_rows, vector_rows
from stages.lib.vespa.search.index import index_profile


def index(site: Site, corpus: Corpus, folders: Sequence[Path]) -> Application:
    """Adds an index of each folder of vectors beside what serves, and takes old ones away."""
    name = site.params.package.name
    # by profile: folders of the same vectors have one index
    indexes = {index_profile(folder): folder for folder in folders}
    feeds = {DOCUMENTS: site.folder / "feed.jsonl"}
    write_jsonl(feeds[DOCUMENTS], document_rows(name, corpus))
    for profile, folder in indexes.items():
        feeds[profile.field] = site.folder / f"{profile.field}.jsonl"
        rows = vector_rows(name, list(corpus), load_vectors(folder, corpus), profile, profile.field)
        write_jsonl(feeds[profile.field], rows)
    application = (site.current() or Application()).indexing(tuple(indexes)).on(site.ground)
    application = application.forgetting(hashes(site, feeds))
    site.deploy(application)
    with site.giving_back(application):
        fed, stored = fill(site, application, feeds)
        if fed.rejected:
            document, fault = min(fed.rejected.items())
            raise UserError(
                f"Vespa refuses {len(fed.rejected)} documents, such as {document} ({fault}); a "
                "search without them would not be the pipeline's: remove them from the collection"
            )
        short = sorted(feeds.keys() - stored.keys())
        if short:
            raise UserError(
                f"{short[0]}: was fed, but some of it is not in Vespa; run make index again, or "
                "look for errors in Vespa's log"
            )
    site.release(application.knowing(stored))
    return application
