"""The folder that the stage `package` wrote."""

from dataclasses import dataclass
from pathlib import Path

from stages.lib.vespa.package.manifest import read_manifest
from stages.lib.vespa.package.served import ServedModel


@dataclass(frozen=True, slots=True)
class Package:
    """The application package with one model, and the feeds and probes beside it."""

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

    def model(self) -> ServedModel:
        """The one model of the package."""
        (model,) = read_manifest(self.folder / "application").application.models
        return model
