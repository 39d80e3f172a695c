"""How much memory training takes, in a process of its own and without PyTorch."""

import subprocess
import sys
from pathlib import Path


def peak_memory(batch: dict[str, int]) -> dict:
    """Megabytes of a process that trains, after 20 steps and after 200. batch: its size by network."""
    result = {}
    for name, size in batch.items():
        program = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
            "import numpy as np\n"
            "from benchmarks.machine import peak_megabytes\n"
            "from cnn import SGD, AdamW, digit_net, seed_net, softmax_cross_entropy\n"
            "from training.memory import keep_freed_memory\n"
            "keep_freed_memory()\n"
            f"model = {name}(np.random.default_rng(0))\n"
            f"optimizer = {'SGD(model, 0.01, momentum=0.9)' if name == 'seed_net' else 'AdamW(model)'}\n"
            f"x = np.random.default_rng(0).random(({size}, 28, 28, 1), np.float32)\n"
            f"labels = np.arange({size}) % 10\n"
            "for step in range(1, 201):\n"
            "    model.backward_params(softmax_cross_entropy(model.forward(x, training=True), labels)[1])\n"
            "    optimizer.step()\n"
            "    if step in (20, 200):\n"
            "        print(peak_megabytes())\n"
        )
        run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        early, late = (float(line) for line in run.stdout.split())
        result[name] = {"after_20_steps": early, "after_200_steps": late}
        print(f"Peak memory of training {name}: {early:.0f} MB after 20 steps, {late:.0f} MB after 200")
    return result
