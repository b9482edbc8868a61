"""The application that is deployed: what it holds, and what deploying makes of it next."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from pydantic import Field

from stages.lib.params import Params
from stages.lib.values import LARGEST, Language, Share, XmlText
from stages.lib.vespa.package.served import ServedModel
from stages.lib.vespa.package.tower import Tower
from stages.lib.vespa.search.profile import Profile

CLUSTER = "content"
DOCUMENT_TYPE = "doc"

DOCUMENTS = "documents"
"""The name of the feed of documents; the others are named by their vector field."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all models of an application stand on.

    The language of the words; `k1`, `b` and `targets` of BM25 where it ranks alone; where all of
    it runs, and Vespa Cloud's name of a token.
    """

    language: Language = "english"
    k1: Annotated[float, Field(gt=0, le=1000)] = 1.2
    b: Share = 0.75
    targets: Annotated[int, Field(ge=1, le=LARGEST)] = 200
    nodes: Literal["local", "cloud", "cloud-gpu"] = "local"
    token: XmlText = ""


def ground_of(params: Params) -> Ground:
    """The ground that today's parameters say."""
    bm25, package = params.bm25, params.package
    return Ground(bm25.language, bm25.k1, bm25.b, package.targets, package.nodes, package.token)


@dataclass(frozen=True, slots=True)
class Application:
    """What is deployed: models, which of them serves, which one served before, and indexes.

    `live` is the label of the model that serves, None where only indexes are deployed. `fed` holds
    the hash of each feed that has been stored whole, by its name, so that nothing is fed twice.
    """

    models: tuple[ServedModel, ...] = ()
    live: str | None = None
    previous: str | None = None
    indexes: tuple[Profile, ...] = ()
    fed: Mapping[str, str] = field(default_factory=dict)
    ground: Ground = field(default_factory=Ground)

    def model(self, label: str) -> ServedModel:
        """The model of a label."""
        return next(model for model in self.models if model.label == label)

    @property
    def profiles(self) -> list[Profile]:
        """What can be searched: the models' fields and the indexes."""
        return [*(model.profile for model in self.models), *self.indexes]

    def adding(self, model: ServedModel) -> "Application":
        """The live model and the way back with one more, which does not serve yet.

        Where no model serves, the new one does at once.
        """
        kept = self._keeping({self.live, self.previous})
        if model.label not in {other.label for other in kept}:
            kept = (*kept, model)
        # a field that is gone has lost what was fed to it
        return replace(self, models=kept, live=self.live or model.label).knowing({})

    def _keeping(self, labels: Set[str | None]) -> tuple[ServedModel, ...]:
        return tuple(model for model in self.models if model.label in labels)

    def exploring(self, label: str, additional_hits: int) -> "Application":
        """The same, where a model's searches look at so many more neighbours."""
        models = (
            replace(model, additional_hits=additional_hits) if model.label == label else model
            for model in self.models
        )
        return replace(self, models=tuple(models))

    def on(self, ground: Ground) -> "Application":
        """The same on another ground."""
        return replace(self, ground=ground)

    def serving(self, label: str) -> "Application":
        """Another model live; the one that was stays as the way back, and no other."""
        if label == self.live:
            return self
        models = self._keeping({label, self.live})
        # the fields of a model that goes are emptied: should it come again, nothing is stored
        return replace(self, models=models, live=label, previous=self.live).knowing({})

    def indexing(self, indexes: tuple[Profile, ...]) -> "Application":
        """The same models with these indexes, and no other."""
        return replace(self, indexes=indexes).knowing({})

    def pruned(self) -> "Application":
        """The live model alone."""
        alone = self._keeping({self.live})
        return replace(self, models=alone, previous=None, indexes=()).knowing({})

    def knowing(self, fed: Mapping[str, str]) -> "Application":
        """The same with the hashes of further feeds that are stored whole."""
        names = {DOCUMENTS, *(profile.field for profile in self.profiles)}
        merged = {**self.fed, **fed}
        return replace(self, fed={name: merged[name] for name in sorted(merged) if name in names})

    def forgetting(self, feeds: Mapping[str, str]) -> "Application":
        """The same without the hashes of what these feeds are about to change.

        So that a run which ends half way leaves nothing behind that passes for whole. Other
        documents bring those that are removed, and with them vectors of every field.
        """
        if self.fed.get(DOCUMENTS) != feeds[DOCUMENTS]:
            return replace(self, fed={})
        same = {name: text for name, text in self.fed.items() if feeds.get(name, text) == text}
        return replace(self, fed=same)

    def towers(self) -> dict[str, Tower]:
        """The embedders in use by hash; document towers of fed fields embed nothing."""
        used: dict[str, Tower] = {}
        for model in self.models:
            used[model.query.hash] = model.query
            if model.filling == "vespa" or model.embeds_new:
                used[model.document.hash] = model.document
        return used

    @property
    def summary(self) -> str:
        """One line on what serves and what could."""
        return f"{self.live or 'no model'} serves; on the shelf: {self.previous or 'nothing'}"
