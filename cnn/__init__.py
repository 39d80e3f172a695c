"""A convolutional network from scratch, in NumPy.

Read in this order: layer, dense, activation, conv, pool, loss, model, optim, schedule, norm, dropout,
architectures, storage; then slices, fast, window, inked and winograd, which compute the same on all cores,
with less copying and with fewer products.
"""

from cnn.activation import ReLU, softmax
from cnn.architectures import ARCHITECTURES, digit_net, row_net, seed_net, small_net
from cnn.conv import Conv2D
from cnn.dense import Dense, Flatten
from cnn.dropout import Dropout
from cnn.fast import ConvPoolReLU, FastConv2D
from cnn.layer import Layer, he_normal, xavier_uniform
from cnn.loss import cross_entropy_or_none, log_odds, softmax_cross_entropy
from cnn.model import Sequential
from cnn.norm import BatchNorm, fold_batch_norm
from cnn.optim import SGD, AdamW, Optimizer, Schedule
from cnn.pool import GlobalAveragePool, MaxPool2D
from cnn.schedule import cosine, inverse_time_decay, one_cycle
from cnn.storage import Checkpoint, ModelFileError, load_model, save_model
from cnn.window import WindowConvPoolReLU
from cnn.winograd import WinogradConv2D

__all__ = [
    "ARCHITECTURES",
    "SGD",
    "AdamW",
    "BatchNorm",
    "Checkpoint",
    "Conv2D",
    "ConvPoolReLU",
    "Dense",
    "Dropout",
    "FastConv2D",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "MaxPool2D",
    "ModelFileError",
    "Optimizer",
    "ReLU",
    "Schedule",
    "Sequential",
    "WindowConvPoolReLU",
    "WinogradConv2D",
    "cosine",
    "cross_entropy_or_none",
    "digit_net",
    "fold_batch_norm",
    "he_normal",
    "inverse_time_decay",
    "load_model",
    "log_odds",
    "one_cycle",
    "row_net",
    "save_model",
    "seed_net",
    "small_net",
    "softmax",
    "softmax_cross_entropy",
    "xavier_uniform",
]
