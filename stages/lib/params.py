"""params.yaml, typed: one section a stage, no defaults in code.

params.yaml says beside each value what the parameter does.
"""

from pathlib import Path
from reprlib import Repr
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from stages.lib.encoder_params import Base, Distill, EmbedderModel, Encoder, Export, Other
from stages.lib.errors import UserError
from stages.lib.llm_params import Answer, Expand, Generate, JudgeDev, Llm, Prices, Rules
from stages.lib.values import LARGEST, Count, Language, Positive, Section, Share, Whole, XmlText


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


class Train(Section):
    tower: Literal["vectors", "query", "full"]
    query_share: Share
    neighbours: Whole
    smoothing: Share
    runs: Count
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    warmup_ratio: Share
    weight_decay: Annotated[float, Field(ge=0)]
    document_learning_rate: Positive
    anchor: Annotated[float, Field(ge=0)]
    list_size: Count
    student_temperature: Positive
    teacher_temperature: Positive
    kl_weight: Annotated[float, Field(ge=0)]
    judged_weight: Annotated[float, Field(ge=0)]
    infonce_weight: Annotated[float, Field(ge=0)]
    false_negative_share: Share
    margin_mse_weight: Annotated[float, Field(ge=0)]
    matryoshka: list[Count]
    dropout: Share
    interpolations: list[Annotated[float, Field(gt=0, lt=1)]]

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights by the names of the losses."""
        return {
            "kl": self.kl_weight,
            "judged": self.judged_weight,
            "infonce": self.infonce_weight,
            "margin_mse": self.margin_mse_weight,
        }


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


class Package(Section):
    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    variant: Literal["fp32", "fp16", "int8"]
    vector_type: Literal["float", "bfloat16", "binary"]
    dimensions: Whole
    vectors: Literal["vespa", "fed"]
    embed_new: bool
    profile: Literal["semantic", "hybrid", "rrf"]
    hnsw_links: Annotated[int, Field(ge=2, le=LARGEST)]
    hnsw_explore: Annotated[int, Field(ge=1, le=LARGEST)]
    targets: Annotated[int, Field(ge=1, le=LARGEST)]
    nodes: Literal["local", "cloud", "cloud-gpu"]
    token: XmlText

    @model_validator(mode="after")
    def whole_bytes(self) -> Self:
        if self.vector_type == "binary" and self.dimensions % 8:
            raise ValueError("dimensions must be a multiple of 8 for binary vectors")
        return self

    @model_validator(mode="after")
    def tokens_are_of_the_cloud(self) -> Self:
        if self.token and self.nodes == "local":
            raise ValueError("token is Vespa Cloud's; set nodes to cloud or cloud-gpu, or empty it")
        return self


class Deploy(Section):
    queries: Count
    min_cosine: Share
    min_overlap: Share
    max_loss: Share
    explore: Annotated[list[Annotated[int, Field(ge=0, le=LARGEST)]], Field(min_length=1)]
    min_recall: Share


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
    train: Train
    export: Export
    answer: Answer
    evaluate: Evaluate
    package: Package
    deploy: Deploy

    @model_validator(mode="after")
    def queries(self) -> Self:
        if self.llm.provider == "none" and not self.prepare.queries_from:
            raise ValueError(
                "llm.provider is none and prepare.queries_from names no tool, so that there would "
                "be no queries; set one of them"
            )
        if self.llm.provider == "none" and self.expand.enabled:
            raise ValueError("expand.enabled needs an LLM, and llm.provider is none")
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
    try:
        loaded: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run from the project's folder") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # impossible dates, numbers of thousands of digits, deep nesting
        raise UserError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
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
