"""Brings the packaged model into Vespa; the live one serves until the new one has proved itself."""

from pathlib import Path

import click

from stages.cli import PARAMS, SCRATCH, path_option, stage
from stages.lib.core.collection import Texts, read_corpus, read_split
from stages.lib.core.files import write_json
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.export.gate import require_passed
from stages.lib.params import read_params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense, Embedded, Fused
from stages.lib.vespa.operate.expected import Stored, as_stored
from stages.lib.vespa.operate.packaged import Package
from stages.lib.vespa.operate.site import open_site
from stages.lib.vespa.operate.swap import Checks, swap
from stages.lib.vespa.package.probe import read_probes


@stage
@path_option("--package", help="The folder that the stage package wrote.")
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--model", help="The model that was exported, for the comparison of rankings.")
@path_option("--vectors", help="The model's vectors of the corpus.")
@click.option(
    "--gate",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON file of verdicts on variants; one that refuses the packaged one stops here.",
)
@path_option("--templates", help="The folder of the application package's templates.")
@path_option("--receipt", help="JSON file for what is deployed: hashes, counts and metrics.")
@path_option("--rejected", help="JSONL file for documents that Vespa refused, and why.")
@click.option("--force", is_flag=True, envvar="FORCE", help="Deploy whatever the gates say.")
@PARAMS
def main(
    package: Path,
    corpus: Path,
    dev: Path,
    synthetic_dev: Path,
    model: Path,
    vectors: Path,
    gate: tuple[Path, ...],
    templates: Path,
    receipt: Path,
    rejected: Path,
    force: bool,
    params: Path,
) -> None:
    """Deploy, feed, check and flip."""
    settings = read_params(params)
    packaged = Package(package)
    new = packaged.model()
    if not force:
        require_passed(new.query.settings.variant, gate)
    probes = read_probes(packaged.probes), read_probes(packaged.document_probes)
    with open_site(templates, settings, "deploy", SCRATCH) as site:
        documents = read_corpus(corpus)
        dense = Dense(
            list(documents),
            as_stored(load_vectors(vectors, documents), new.profile),
            load_encoder(towers(model)[0], settings.encoder),
            settings.encoder.query_prefix,
        )
        semantic = Stored(dense, new.profile, rerank=settings.package.targets)
        # the hybrid profiles re-rank everything
        whole = Stored(dense, new.profile, rerank=len(documents))
        lexical = Lexical(list(documents), Texts(documents), settings.bm25)
        hybrid = Fused(whole, lexical, new.dense_weight)
        split = read_split(dev) or read_split(synthetic_dev)
        checks = Checks(*probes, Embedded(semantic), Embedded(hybrid), split, rejected, force)
        outcome = swap(site, packaged, checks)
    write_json(receipt, outcome)
    if outcome["rejected"]:
        click.echo(f"Vespa refused {outcome['rejected']} documents, named in {rejected}", err=True)


if __name__ == "__main__":
    main()
