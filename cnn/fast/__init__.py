"""What runs: steps that replace a few neighbouring layers each and compute the same faster.

The layers in `cnn` say what is computed; nothing is computed here that they do not. Without this folder every
network still works, on the layers themselves. Only `cnn.model` imports it. Read in this order: step, plan,
parallel, kernels, basic, pool; then conv, conv_pool, strided, sparse, sparse_dense, winograd and residual.
"""

from cnn.fast.parallel import parallel_for
from cnn.fast.plan import plan

__all__ = ["parallel_for", "plan"]
