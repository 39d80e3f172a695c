"""A convolutional network from scratch, in NumPy.

Read in this order: layer, dense, activation, conv, pool, loss, model, optim, schedule, architectures,
storage.
"""

from cnn.activation import ReLU, softmax
from cnn.architectures import ARCHITECTURES, seed_net
from cnn.conv import Conv2D
from cnn.dense import Dense, Flatten
from cnn.layer import Layer, he_normal, xavier_uniform
from cnn.loss import softmax_cross_entropy
from cnn.model import Sequential
from cnn.optim import SGD, Optimizer
from cnn.pool import MaxPool2D
from cnn.schedule import inverse_time_decay
from cnn.storage import Checkpoint, ModelFileError, load_model, save_model

__all__ = [
    "ARCHITECTURES",
    "SGD",
    "Checkpoint",
    "Conv2D",
    "Dense",
    "Flatten",
    "Layer",
    "MaxPool2D",
    "ModelFileError",
    "Optimizer",
    "ReLU",
    "Sequential",
    "he_normal",
    "inverse_time_decay",
    "load_model",
    "save_model",
    "seed_net",
    "softmax",
    "softmax_cross_entropy",
    "xavier_uniform",
]
