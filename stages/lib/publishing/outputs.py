"""The pipeline's outputs as one folder to take home, card included."""

from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.files import read_json, writing
from stages.lib.core.hashes import file_hash
from stages.lib.encoding.encoder import towers
from stages.lib.encoding.remote import is_remote
from stages.lib.errors import UserError
from stages.lib.export.embedder import read_embedders
from stages.lib.export.gate import read_verdicts
from stages.lib.params import Params
from stages.lib.publishing.assembly import assemble, data_belong
from stages.lib.publishing.card import Made, model_card


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where dvc.yaml writes what goes into the folder."""

    project: Path

    @property
    def model(self) -> Path:
        """The tuned model."""
        return self.project / "models" / "tuned"

    @property
    def onnx(self) -> Path:
        """Its exported variants."""
        return self.project / "models" / "onnx"

    @property
    def vectors(self) -> Path:
        """Its vectors of the corpus."""
        return self.project / "data" / "vectors" / "tuned"

    @property
    def corpus(self) -> Path:
        """The documents."""
        return self.project / "data" / "collection" / "corpus.jsonl"

    @property
    def queries(self) -> Path:
        """The written queries."""
        return self.project / "data" / "generated" / "queries.jsonl"

    def metrics(self, stage: str) -> Path:
        """What a stage measured."""
        return self.project / "data" / "metrics" / f"{stage}.json"

    def require(self) -> None:
        """Checks that the pipeline ran.

        Raises:
            UserError: an output is not there.

        """
        measured = [self.metrics(stage) for stage in ("evaluate", "export", "generate")]
        for path in (self.model, self.onnx, self.vectors, self.corpus, self.queries, *measured):
            if not path.exists():
                raise UserError(f"{path}: not there; run make repro")


def assemble_outputs(
    outputs: Outputs, params: Params, folder: Path, place: str, *, on_hub: bool
) -> None:
    """Fills a folder with the model, what belongs to it, and its card.

    Args:
        outputs: of the pipeline.
        params: that it ran by.
        folder: gets the files.
        place: where the model will be found: a folder, or its name on the hub,
        on_hub: where it is the latter.

    """
    outputs.require()
    verdicts = read_verdicts(outputs.metrics("export"))
    passed = [name for name, verdict in verdicts.items() if verdict.passed]
    assemble(outputs.model, outputs.onnx, outputs.vectors, passed, folder)
    card = model_card(
        params,
        read_embedders(outputs.onnx),
        Made(
            file_hash(outputs.corpus),
            file_hash(outputs.queries),
            read_json(outputs.metrics("generate"))["writer"],
        ),
        read_json(outputs.metrics("evaluate")),
        read_json(outputs.metrics("export")),
        place=place,
        on_hub=on_hub,
        vectors=data_belong(outputs.model, outputs.vectors),
        local=not is_remote(towers(outputs.model)[1]),
    )
    with writing(folder / "README.md") as file:
        file.write(card)
