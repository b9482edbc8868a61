"""The provider that the parameters ask for."""

from stages.lib.collection import Corpus
from stages.lib.llm.endpoint import Endpoint
from stages.lib.llm.extractive import Extractive
from stages.lib.llm.messages import Provider
from stages.lib.llm.recorded import Recorded
from stages.lib.params import Params


def provider(params: Params, corpus: Corpus) -> Provider:
    """The provider named by `llm.provider`."""
    match params.llm.provider:
        case "openai":
            return Endpoint()
        case "recorded":
            return Recorded(params.llm.recorded)
        case "extractive":
            return Extractive(corpus, params.generate.types, params.seed)
