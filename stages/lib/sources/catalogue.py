"""Which source a collection comes from."""

from stages.lib.params import Prepare
from stages.lib.sources import Source
from stages.lib.sources.beir import open_beir
from stages.lib.sources.irds import open_irds


def open_source(prepare: Prepare) -> Source:
    """Opens the collection that the parameters name."""
    match prepare.source:
        case "beir":
            return open_beir(prepare.path)
        case "ir_datasets":
            return open_irds(prepare.dataset, prepare.document_fields, prepare.query_field)
