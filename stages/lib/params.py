"""params.yaml, typed: one section a stage, no defaults in code.

params.yaml says beside each value what the parameter does.
"""

from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from stages.lib.encoder_params import Adapt, Base, Distill, EmbedderModel, Encoder, Export, Other
from stages.lib.errors import UserError
from stages.lib.llm_params import Answer, Expand, Generate, JudgeDev, Llm, Prices, Rules
from stages.lib.package_params import Deploy, Package
from stages.lib.synthetic_params import Brainstorm, Examples
from stages.lib.tasks_params import Scoring, Tasks
from stages.lib.train_params import Train
from stages.lib.values import Count, Language, Section, Share, Whole, read_yaml


class Bm25(Section):
    k1: Annotated[float, Field(gt=0, le=1000)]
    b: Share
    language: Language


class Prepare(Section):
    source: Literal["beir", "ir_datasets", "documents", "queries"]
    path: Path
    dataset: str
    document_fields: list[str]
    query_field: str
    chunk_tokens: Annotated[int, Field(ge=32)]
    chunk_overlap: Whole
    include: list[str]
    exclude: list[str]
    max_file_mb: Count
    unreadable_files: Literal["error", "skip"]
    similar_files: Literal["error", "drop", "keep"]
    queries_from: Literal["", "llamaindex", "gpl", "inpars", "flagembedding"]
    queries_path: Path
    duplicate_ids: Literal["error", "first"]
    dangling_qrels: Literal["error", "drop"]
    empty_documents: Literal["error", "drop", "keep"]
    long_documents: Literal["error", "warn"]
    repeated_queries: Literal["error", "drop", "keep"]
    dev_share: Annotated[float, Field(ge=0, lt=1)]
    judgements: Literal["test", "dev", "none"]

    @model_validator(mode="after")
    def advancing(self) -> Self:
        if self.chunk_overlap > self.chunk_tokens // 2:
            raise ValueError("chunk_overlap must not exceed half of chunk_tokens")
        return self


class Embed(Section):
    sentences: bool


class Select(Section):
    min_words: Count
    max_words: Count
    near_duplicate: Share
    leak: Share
    copied_words: Whole
    retriever_depth: Count
    teacher_depth: Count
    phrases: Whole
    titles: bool
    sentences: Whole
    phrases_in_all: Whole
    dev_share: Annotated[float, Field(gt=0, lt=1)]


class Fusion(Section):
    dense_weight: Share
    shares: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=1)]


class Mine(Section):
    sentence_share: Share
    neighbours: Whole
    smoothing: Share
    cross_encoder: str
    cross_encoder_revision: str
    cross_encoder_tokens: Annotated[int, Field(ge=8)]
    cross_encoder_depth: Count
    language_model: str
    language_model_revision: str
    language_model_depth: Count
    depth: Count
    range_min: Whole
    range_max: Count
    margin: Share
    negatives: Count

    @model_validator(mode="after")
    def ordered(self) -> Self:
        if self.range_max <= self.range_min:
            raise ValueError("range_max must exceed range_min")
        return self


class Evaluate(Section):
    depth: Annotated[int, Field(ge=100)]
    resamples: Annotated[int, Field(ge=100)]
    shown: Count
    others: list[Other]

    @model_validator(mode="after")
    def each_once(self) -> Self:
        names = [other.name for other in self.others]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            raise ValueError(f"others: two are called {twice!r}; name them apart")
        return self


class Params(Section):
    """The whole of params.yaml."""

    seed: int
    engine: Literal["embedded", "vespa"]
    base: Base
    encoder: Encoder
    documents: EmbedderModel
    distill: Distill
    bm25: Bm25
    prepare: Prepare
    llm: Llm
    prices: Prices
    rules: Rules
    generate: Generate
    embed: Embed
    select: Select
    judge_dev: JudgeDev
    expand: Expand
    fusion: Fusion
    mine: Mine
    adapt: Adapt
    train: Train
    export: Export
    answer: Answer
    evaluate: Evaluate
    package: Package
    deploy: Deploy
    brainstorm: Brainstorm
    examples: Examples
    tasks: Tasks
    scoring: Scoring

    @property
    def fetched_models(self) -> list[str]:
        """Names and folders of the models that the stage `base` brings."""
        models = (
            self.base.model,
            self.documents.model,
            self.mine.cross_encoder,
            self.mine.language_model,
            self.answer.language_model,
        )
        return [model for model in models if model]

    @model_validator(mode="after")
    def queries(self) -> Self:
        if self.llm.provider == "none" and not self.prepare.queries_from:
            raise ValueError(
                "llm.provider is none and prepare.queries_from names no tool, so that there would "
                "be no queries; set one of them"
            )
        if self.llm.provider == "none" and self.expand.enabled:
            raise ValueError("expand.enabled needs an LLM, and llm.provider is none")
        if self.generate.answers and self.llm.provider in ("none", "extractive"):
            raise ValueError(
                f"generate.answers needs an LLM, and llm.provider is {self.llm.provider}; set it "
                "to false, or set another provider"
            )
        if self.mine.language_model and not self.generate.answers:
            raise ValueError(
                "mine.language_model scores the answers to queries, and generate.answers is false; "
                'set it to true, or mine.language_model to ""'
            )
        return self

    @model_validator(mode="after")
    def tasks_are_thought_up(self) -> Self:
        if self.brainstorm.families and self.llm.provider == "extractive":
            raise ValueError(
                "brainstorm.families is set, and llm.provider: extractive takes all words from "
                "documents; set another provider, or brainstorm.families to []"
            )
        if "bitext" in self.brainstorm.families and len(self.examples.language) == 1:
            raise ValueError(
                "examples.language names one language, and the family bitext needs two; add one, "
                "or take bitext out of brainstorm.families"
            )
        return self

    @property
    def copied_words(self) -> int:
        """Words in a row that no query may share with its document; those of no LLM copy all."""
        return 0 if self.llm.provider == "extractive" else self.select.copied_words

    @property
    def document_encoder(self) -> Encoder:
        """How documents are encoded: by the base, or by another model."""
        return self.documents.encoder if self.documents.model else self.encoder

    @model_validator(mode="after")
    def documents_of_another_model_stay(self) -> Self:
        if self.documents.model and self.train.tower == "full":
            raise ValueError(
                "documents.model is named, and train.tower: full would train the documents' "
                "encoder; set the tower to vectors or query, or empty documents.model"
            )
        if self.documents.provider == "openai" and self.package.vectors == "vespa":
            raise ValueError(
                "documents.provider is openai, and Vespa cannot call the endpoint; set "
                "package.vectors to fed"
            )
        return self

    @model_validator(mode="after")
    def an_adapter_has_a_model(self) -> Self:
        if self.adapt.kind != "none" and not self.documents.model:
            raise ValueError(
                f"adapt.kind is {self.adapt.kind}, and documents.model names no model to adapt the "
                "queries of; name one, or set adapt.kind to none"
            )
        return self

    @model_validator(mode="after")
    def new_documents_lie_among_the_others(self) -> Self:
        if self.documents.model and self.package.embed_new:
            raise ValueError(
                "documents.model is named, whose vectors package.embed_new cannot compute in "
                "Vespa; set embed_new to false, or empty documents.model"
            )
        return self

    @model_validator(mode="after")
    def every_document_gets_a_vector(self) -> Self:
        # Vespa embeds no blank text: the document would have no vector, and deploying would wait
        if self.prepare.empty_documents == "keep" and self.package.vectors == "vespa":
            raise ValueError(
                "prepare.empty_documents is keep, and package.vectors: vespa embeds no empty "
                "document; set it to drop, or package.vectors to fed"
            )
        return self


def read_params(path: Path) -> Params:
    """Reads and checks params.yaml; each fault is named by its key."""
    loaded = read_yaml(path)
    try:
        return Params.model_validate(loaded)
    except ValidationError as error:
        raise UserError(f"{path}: " + "; ".join(map(_fault, error.errors()))) from error


SHORT = Repr()
"""Shows values of any length, as aliases in YAML may have, in a line."""
SHORT.maxstring = SHORT.maxother = SHORT.maxlong = 100


def _fault(fault: Any) -> str:
    key = ".".join(map(str, fault["loc"])) or "the file"
    if fault["type"] == "extra_forbidden":
        return f"{key}: no such parameter; remove it or mend its name"
    if fault["type"] == "missing":
        return f"{key}: missing; the committed params.yaml has a value for it"
    if fault["type"] == "value_error":  # values that do not go together
        return ": ".join([*map(str, fault["loc"]), str(fault["ctx"]["error"])])
    return f"{key}: {fault['msg']}, got {SHORT.repr(fault['input'])}"
