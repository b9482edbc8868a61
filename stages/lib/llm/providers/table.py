"""The providers, by the name that llm.provider gives: their facts, and how each is opened.

A new provider has a module of its own, a row here and its name in stages/lib/llm_params.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stages.lib.core.collection import Corpus
from stages.lib.llm.environment import Environment
from stages.lib.llm.messages import Heard, Provider
from stages.lib.params import Params


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What the pipeline has to know of a provider."""

    paid: bool
    """Whether answers cost money and vary, so that they are stored and may be asked again."""
    uses_llm: bool
    """Whether a language model writes, or once wrote, the queries."""
    judges: Callable[[Params], bool]
    """Whether it can grade how well documents answer queries."""
    label: Callable[[Params], str]
    """Who the model card names as the writer of the queries."""
    open: Callable[[Params, Corpus, Environment, Heard | None], Provider] | None
    """The provider for questions about a corpus; None where nothing is asked at all."""

    @property
    def asks(self) -> bool:
        """Whether there is anything to ask it."""
        return self.open is not None


def _openai(
    _params: Params, _corpus: Corpus, environment: Environment, heard: Heard | None
) -> Provider:
    from stages.lib.llm.providers.deferred import Deferred

    return Deferred(environment.timeout, environment.concurrency, heard)


def _recorded(
    params: Params, _corpus: Corpus, _environment: Environment, _heard: Heard | None
) -> Provider:
    from stages.lib.llm.providers.recorded import Recorded

    return Recorded(params.llm.recorded)


def _extractive(
    params: Params, corpus: Corpus, _environment: Environment, _heard: Heard | None
) -> Provider:
    from stages.lib.llm.providers.extractive import Extractive

    return Extractive(corpus, params.generate.types, params.seed)


def _by_name(params: Params) -> str:
    return f"the {params.llm.provider} provider"


def _recorded_judges(params: Params) -> bool:
    from stages.lib.llm.providers.recorded import judges

    return judges(params.llm.recorded)


PROVIDERS: dict[str, ProviderKind] = {
    "openai": ProviderKind(
        paid=True,
        uses_llm=True,
        judges=lambda _: True,
        label=lambda params: params.llm.model,
        open=_openai,
    ),
    "recorded": ProviderKind(
        paid=False, uses_llm=True, judges=_recorded_judges, label=_by_name, open=_recorded
    ),
    "extractive": ProviderKind(
        paid=False, uses_llm=False, judges=lambda _: False, label=_by_name, open=_extractive
    ),
    "none": ProviderKind(
        paid=False,
        uses_llm=False,
        judges=lambda _: False,
        label=lambda params: f"another tool ({params.prepare.queries_from})",
        open=None,
    ),
}
