"""Puts this repository into a Hugging Face Space: `python -m scripts.push_space USER/NAME`."""

import argparse
import subprocess
import sys
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, SpaceCard, get_token

from recognition.hub import NO_TOKEN, HubError, check_name, in_words, refuse_other_content

ROOT = Path(__file__).parent.parent
THUMBNAIL = "docs/screenshot.png"


def push_space(name: str, root: Path = ROOT, token: str | None = None, private: bool | None = None) -> str:
    """Create the Space `name`, "user/name", if there is none, and push this repository to it.

    Only the files that git tracks in `root` are pushed, as they are on this disk; all others in the Space are
    deleted.
    Returns the Space's address. Raises HubError, also where a Space of that name holds something else.
    """
    name = check_name(name)
    files = tracked_files(root)
    token = token or get_token()
    if token is None:
        raise HubError(NO_TOKEN)
    api = HfApi(token=token)
    with in_words(name):
        refuse_other_content(api, name, "space", "recognition/reader.py")
        space = api.create_repo(name, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        there = set(api.list_repo_files(name, repo_type="space")) - {".gitattributes"}
        # One commit, so that the Space is never built from half of it.
        operations = [CommitOperationDelete(file) for file in sorted(there - set(files))]
        operations += [CommitOperationAdd(file, root / file) for file in files if file != "README.md"]
        operations += [CommitOperationAdd("README.md", _readme(root, str(space)).encode())]
        api.create_commit(name, operations, commit_message="Push Digits from Scratch", repo_type="space")
    return str(space)


def _readme(root: Path, address: str) -> str:
    """With what depends on whose Space it is: a picture to go with links to it has to be an address."""
    card = SpaceCard.load(root / "README.md")
    card.data.thumbnail = f"{address}/resolve/main/{THUMBNAIL}"
    return str(card)


def tracked_files(root: Path) -> list[str]:
    """The files that git tracks and that are there, as paths in `root`; HubError where git cannot say."""
    command = ["git", "ls-files", "-z"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise HubError(
            f"Only what git tracks is pushed, and git cannot say what that is in {root}. Is it a clone?"
        ) from error
    return [file for file in listed.stdout.split("\0") if file and (root / file).is_file()]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.push_space",
        description="Put this repository into a Space on the Hugging Face Hub: docs/hosting.md.",
    )
    parser.add_argument("name", metavar="USER/NAME")
    parser.add_argument("--private", action="store_true", default=None, help="for your account alone")
    options = parser.parse_args(arguments)
    try:
        print(f"Pushed to {push_space(options.name, private=options.private)}")
    except HubError as error:
        print(f"python -m scripts.push_space: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
