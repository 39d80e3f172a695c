"""Own signs on the Hugging Face Hub: their network, a card that names them, and their drawings if wanted.

A repository holds `signs.npz`, as `training.sign_files` has it; `config.json`, its description for programs;
and `README.md`, the model card. Only the `.npz` is read back, and checked like any other file of signs.
"""

import json
from pathlib import Path

import numpy as np
from huggingface_hub import ModelCardData

from recognition.hub import CONFIG_FILE, publish
from training.own_signs import OwnSigns
from training.sign_files import save_signs, without_examples

SIGNS_FILE = "signs.npz"
TEXT = """\
---
{metadata}
---

# {name}

A network that tells {count} hand-drawn signs from each other and from everything else, taught on the Signs
tab of Digits from Scratch: `{architecture}`, {parameters:,} parameters, in plain NumPy. Its classes are

{classes}

## How to use it

On the page's Signs tab, load `{repository}` from the Hugging Face Hub, and draw. From Python, with `{file}`:

```python
from training.sign_files import load_signs

signs, images = load_signs("{file}")
signs.probs(images)  # (n, {outputs}), of pictures (n, 28, 28) uint8, inked as MNIST's are
```

The `.npz` holds arrays and plain text alone, and is read without pickle.

## What it was taught with

{taught}

## Limits

It was taught by few drawings, most likely of one hand, and knows others' only as far as they are alike.
"""


def push_signs(
    signs: OwnSigns,
    images: np.ndarray | None,
    name: str,
    *,
    private: bool | None = None,
    token: str | None = None,
) -> str:
    """Makes the repository `name`, "user/model", where there is none, and puts the signs into it.

    images: the examples (n, 28, 28) uint8; None leaves them out, and what is known of each with them. Returns
    the address of the commit. Raises HubError, also where a repository of that name holds something else.
    """

    def write(folder: Path) -> None:
        has_examples = images is not None and len(images) > 0
        kept, shown = (signs, images) if has_examples else without_examples(signs)
        save_signs(folder / SIGNS_FILE, kept, shown)
        config = {
            "architecture": signs.model.name,
            "parameters": signs.model.parameters.size,
            "input_shape": signs.model.input_shape,
            "labels": signs.model.classes,
            "examples": len(shown),
        }
        text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        (folder / "README.md").write_text(sign_card(signs, name, has_examples), encoding="utf-8")

    return publish(name, write, SIGNS_FILE, private=private, token=token)


def sign_card(signs: OwnSigns, repository: str, has_examples: bool) -> str:
    """The card as Markdown, which names the classes. Names have no markup: `cnn.classes` refuses it."""
    metadata = ModelCardData(
        library_name="numpy",
        license="apache-2.0",
        pipeline_tag="image-classification",
        tags=["digits-from-scratch", "handwriting", "numpy", "from-scratch", "few-shot"],
        model_name=repository.split("/")[-1],
    )
    count, right = len(signs.labels), int((signs.labels == signs.answers).sum())
    taught = f"{count} drawings; of these, {right} were read right by a network that was not taught them."
    if count == 0:
        taught = "Drawings of each sign, of which it does not say more."
    taught += " The drawings are in the file." if has_examples else " The drawings are not in the file."
    return TEXT.format(
        metadata=metadata.to_yaml(),
        name=repository.split("/")[-1],
        count=len(signs.names),
        architecture=signs.model.name,
        parameters=signs.model.parameters.size,
        classes="\n".join(f"- `{name}`" for name in signs.model.classes),
        repository=repository,
        file=SIGNS_FILE,
        outputs=len(signs.names) + 1,
        taught=taught,
    )
