"""The section of params.yaml about training.

params.yaml says beside each value what the parameter does.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stages.lib.values import Count, Positive, Section, Share, Whole


class Lora(Section):
    rank: Whole
    alpha: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: list[Annotated[str, Field(min_length=1)]]
    quantised: bool

    @model_validator(mode="after")
    def quantised_weights_are_not_trained(self) -> Self:
        if self.quantised and not self.rank:
            raise ValueError("quantised weights cannot be trained themselves; set a rank")
        return self


class Train(Section):
    tower: Literal["vectors", "query", "full"]
    lora: Lora
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
