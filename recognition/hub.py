"""Networks on the Hugging Face Hub.

    reader = Reader.from_pretrained("user/model")
    reader.push_to_hub("user/model")                # as the account of `hf auth login` or HF_TOKEN

A repository holds `digits.npz`, the file that `cnn.save_model` wrote; `config.json`, its description for
programs; `model.onnx` and `model.safetensors`, the same network in other formats; and `README.md`, the model
card, with the network's scores in the Hub's format. Only the `.npz` is read back, and checked like any other
weights file: nothing that is downloaded is executed.

This module handles weights files and cards, not readers. `Reader` imports it when it is first needed, because
huggingface_hub takes a while to import.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from httpx2 import TransportError
from huggingface_hub import HfApi, get_token, hf_hub_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import validate_repo_id

from cnn import load_model, save_model
from cnn.storage import LARGEST, is_npz
from recognition.calibration import Calibration
from recognition.export import write_export
from recognition.model_card import model_card

WEIGHTS_FILE, CONFIG_FILE = "digits.npz", "config.json"

NO_TOKEN = "Nobody is signed in to the Hub here. Run `hf auth login`, or set HF_TOKEN to your token."
OFFLINE = "The Hub cannot be reached. Is this machine connected to the internet?"
REFUSALS = {  # messages for the Hub's status codes
    401: "The Hub does not know this token (any more). Sign in again.",
    402: "The Hub wants an account that pays for this: {name}.",
    403: "This account may not do that with {name}. Is the name right, and may its token write?",
    409: "{name} is taken. Choose another name.",
    413: "The Hub says that this is too large for {name}.",
    429: "The Hub has had too many requests from here. Please try again in a few minutes.",
}


class HubError(ValueError):
    """Something did not work with the Hub; the message says what, in words for the person who asked."""


def pull(name: str | Path, **options: object) -> Path:
    """The weights of the repository `name`, "user/model", or of a folder that `save` wrote.

    options: as for `download`. Raises HubError.
    """
    folder = Path(name)
    return folder / WEIGHTS_FILE if folder.is_dir() else download(str(name), **options)


def push(
    weights: Path,
    name: str,
    *,
    private: bool | None = None,
    token: str | None = None,
    mnist_test: dict | None = None,
) -> str:
    """Makes the repository `name`, "user/model", where there is none, and puts the network into it.

    mnist_test: the network's scores on MNIST's test set, as `training.evaluate.Evaluation.to_json` gives
    them; None takes those of the `.json` card beside the weights. Returns the address of the commit. Raises
    HubError, also where a repository of that name holds something else.
    """
    write = partial(save, weights, name=name, mnist_test=mnist_test)
    return publish(name, write, WEIGHTS_FILE, private=private, token=token)


def publish(
    name: str,
    write: Callable[[Path], None],
    ours: str,
    *,
    private: bool | None = None,
    token: str | None = None,
) -> str:
    """Makes the repository `name` where there is none, and puts into it the files that write(folder) makes.

    ours: the file by which a repository of this kind is known. Returns and raises as `push` does.
    """
    name = check_name(name)
    token = token or get_token()
    if token is None:
        raise HubError(NO_TOKEN)
    api = HfApi(token=token)
    with in_words(name), TemporaryDirectory() as folder:
        refuse_other_content(api, name, "model", ours)
        write(Path(folder))
        api.create_repo(name, private=private, exist_ok=True)
        message = "Push a network of Digits from Scratch"
        return api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)


def save(weights: Path, folder: Path, name: str = "user/model", mnist_test: dict | None = None) -> None:
    """Writes the files of a repository `name` into a folder. Arguments as for `push`."""
    checkpoint = load_model(weights)
    folder.mkdir(parents=True, exist_ok=True)
    if is_npz(weights):
        shutil.copyfile(weights, folder / WEIGHTS_FILE)
    else:
        save_model(folder / WEIGHTS_FILE, checkpoint.model, progress=checkpoint.progress)
    config = {
        "architecture": checkpoint.model.name,
        "parameters": checkpoint.model.parameters.size,
        "input_shape": checkpoint.model.input_shape,
        "labels": [str(digit) for digit in range(10)],
        **Calibration.of(checkpoint).to_progress(),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for to in ("onnx", "safetensors"):
        write_export(checkpoint, to, folder, "model")
    description = _description_beside(weights) if mnist_test is None else {"mnist_test": mnist_test}
    card = model_card(
        checkpoint.model,
        description,
        name=name.split("/")[-1],
        source=f'.from_pretrained("{name}")',
        rejects=Calibration.of(checkpoint).threshold is not None,
        files=True,
    )
    card.save(folder / "README.md")


def download(name: str, max_bytes: int = LARGEST, file: str = WEIGHTS_FILE, **options: object) -> Path:
    """Fetches a file of the repository `name`, "user/model", once its size is known and small enough.

    options: revision, token, cache_dir, force_download and local_files_only, as `hf_hub_download` takes them;
    where `revision` is a commit, nobody can put another file there in between. Returns the path in the cache
    of a file that is not checked yet. Raises HubError.
    """
    name = check_name(name)
    with in_words(name, file):
        found = hf_hub_download(name, file, dry_run=True, **options)
        if found.file_size is None or found.file_size > max_bytes:
            raise HubError(f"{name}: {file} is too large: at most {max_bytes / 1e6:g} MB are read.")
        return Path(hf_hub_download(name, file, **options))


def newest_commit(name: str, token: str | bool | None = None) -> str:
    """The id of the last commit to the repository `name`; HubError where there is none to be seen."""
    name = check_name(name)
    with in_words(name):
        commit = HfApi().model_info(name, token=token).sha
    if commit is None:
        raise HubError(f"{name} is empty.")
    return commit


def check_name(name: object) -> str:
    """Gives a name back that the Hub would take, "user/model"; HubError for any other."""
    if isinstance(name, str) and name.count("/") == 1:
        with suppress(HFValidationError):
            validate_repo_id(name)
            return name
    raise HubError('A name on the Hub is "user/model", of letters, digits, "-", "_" and "." on both sides.')


def refuse_other_content(api: HfApi, name: str, repo_type: str, ours: str) -> None:
    """HubError where the repository holds files, and `ours` is none of them: what it holds would be lost."""
    try:
        files = {file.rfilename for file in api.repo_info(name, repo_type=repo_type).siblings or ()}
    except RepositoryNotFoundError:
        return
    if files - {".gitattributes", "README.md"} and ours not in files:
        raise HubError(f"{name} is taken: it holds something else. Choose another name.")


@contextmanager
def in_words(name: str, file: str = WEIGHTS_FILE) -> Iterator[None]:
    """What the Hub's client raises becomes a HubError that tells what to do, with no path or token in it.

    file: the one that is fetched.
    """
    try:
        yield
    except HubError:
        raise
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, TransportError) as error:
        # Where nothing is in the cache, the client hides what the Hub said behind a LocalEntryNotFoundError.
        said = error.__cause__ if isinstance(error.__cause__, HfHubHTTPError) else error
        raise HubError(_sentence(name, said, file)) from error
    except (RuntimeError, OSError) as error:  # whatever goes wrong while a large file is on its way
        raise HubError("The transfer broke off, or the disk is full. Please try again.") from error


def _sentence(name: str, error: Exception, file: str) -> str:
    if isinstance(error, GatedRepoError):
        return f"{name} is for those only who agreed to its terms, on its page on the Hub."
    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no such revision."
    if isinstance(error, RemoteEntryNotFoundError):
        return f"{name} has no {file}: it is not what is loaded here."
    if isinstance(error, RepositoryNotFoundError):
        return f"There is no {name} on the Hub, or it is private."
    if not isinstance(error, HfHubHTTPError):
        return OFFLINE
    status = error.response.status_code
    if status in REFUSALS:
        return REFUSALS[status].format(name=name)
    return f"The Hub answered {status}. Please try again later."


def _description_beside(weights: Path) -> dict:
    path = weights.with_suffix(".json")
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
