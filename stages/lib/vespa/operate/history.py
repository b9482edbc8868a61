"""Back to the model that served before, and an end to what no longer serves."""

from stages.lib.errors import UserError
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import Application
from stages.lib.vespa.search.engine import count_documents, count_vectors


def roll_back(site: Site) -> Application:
    """Flips back to the model that served before, in one deployment."""
    current = _deployed(site)
    if current.previous is None:
        raise UserError("there is no earlier model to go back to: it was pruned, or never was")
    earlier = current.model(current.previous)
    documents = count_documents(site.connection)
    found, vectors = (
        count_vectors(site.connection, model.profile, documents)
        for model in (current.model(str(current.live)), earlier)
    )
    if vectors < found:  # what has no vector in either is no reason to stay
        raise UserError(
            f"{earlier.field}: only {vectors} of {found} documents have a vector of the "
            "earlier model, since documents came in after it; deploy that model again instead"
        )
    back = current.serving(earlier.label)
    site.release(back)
    return back


def prune(site: Site) -> Application:
    """Removes every model but the live one, and the indexes, with their fields and vectors."""
    current = _deployed(site)
    pruned = current.pruned()
    if pruned != current:
        site.release(pruned)
    return pruned


def _deployed(site: Site) -> Application:
    current = site.current()
    if current is None:
        raise UserError(f"{site.connection.target}: nothing is deployed; run make deploy")
    return current
