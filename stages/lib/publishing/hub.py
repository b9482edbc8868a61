"""Uploads a folder to a hub."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from stages.lib.errors import UserError

TOKEN = "EMBEDSMITH_HUB_TOKEN"  # noqa: S105 - the name of a variable
"""The variable with the hub's token; the token that other tools left is not used."""

T = TypeVar("T")


def upload(folder: Path, repo: str, *, update: bool) -> str:
    """Uploads a folder as a model of the hub, which is private where it is new.

    The hub is Hugging Face's, or the one that HF_ENDPOINT names.

    Args:
        folder: with the model and its card.
        repo: the model's name there, `you/name`.
        update: whether a model of that name may be there already.

    Returns:
        Where the model is to be seen.

    Raises:
        UserError: no token, or the hub refuses it, has such a model, or cannot be reached.

    """
    token = os.environ.get(TOKEN)
    if not token:
        raise UserError(f"{TOKEN} is not set; set it to a token of the hub that may write")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    _call(api, repo, lambda: api.create_repo(repo, private=True, exist_ok=update))
    message = "Upload the tuned model"
    _call(
        api,
        repo,
        lambda: api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message),
    )
    return f"{api.endpoint}/{repo}"


def _call(api: HfApi, repo: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise UserError(f"{repo}: {_fault(status)}") from error
    except Exception as error:
        # the hub's client and its transport raise errors of many kinds; all mean this
        raise UserError(
            f"{repo}: {api.endpoint} cannot be reached ({type(error).__name__}); check the network "
            "and HF_ENDPOINT"
        ) from error


def _fault(status: int) -> str:
    if status in (401, 403):
        return (
            f"the hub refuses the token ({status}); set {TOKEN} to one that may write to this name"
        )
    if status == 409:
        return "the hub has a model of this name; set UPDATE=1 to upload a new version of it"
    return f"the hub answered {status}; try again later, what was uploaded is kept there"
