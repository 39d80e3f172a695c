"""A convolutional network from scratch, in NumPy.

Read in this order: layer, dense, activation, conv, pool, loss, model, optim, schedule, architectures; then
norm, dropout, residual, ctc, initial_weights, inference, classes, layer_list and storage. These say what is
computed, and `fast` computes the same sooner: its own reading order is in cnn/fast/__init__.py.
"""

from cnn.activation import GELU, ReLU, softmax
from cnn.architectures import (
    ARCHITECTURES,
    colour_net,
    digit_net,
    grey_net,
    line_net,
    row_net,
    seed_net,
    small_net,
    softmax_regression,
)
from cnn.classes import DIGITS
from cnn.columns import ColumnWindows
from cnn.conv import Conv2D
from cnn.ctc import ctc_best_path, ctc_log_probs, ctc_loss, ctc_texts
from cnn.dense import Dense, Flatten
from cnn.dropout import Dropout
from cnn.inference import prepare_for_inference
from cnn.initial_weights import he_normal, whitening, xavier_uniform
from cnn.layer import Layer
from cnn.loss import log_odds, reject_cross_entropy, softmax_cross_entropy
from cnn.model import Sequential
from cnn.norm import BatchNorm
from cnn.optim import SGD, AdamW, Muon, Optimizer, Schedule
from cnn.pool import AveragePool2D, GlobalAveragePool, MaxPool2D
from cnn.residual import Residual
from cnn.schedule import cosine, inverse_time_decay, one_cycle
from cnn.storage import Checkpoint, ModelFileError, load_model, save_model

__all__ = [
    "ARCHITECTURES",
    "DIGITS",
    "GELU",
    "SGD",
    "AdamW",
    "AveragePool2D",
    "BatchNorm",
    "Checkpoint",
    "ColumnWindows",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool",
    "Layer",
    "MaxPool2D",
    "ModelFileError",
    "Muon",
    "Optimizer",
    "ReLU",
    "Residual",
    "Schedule",
    "Sequential",
    "colour_net",
    "cosine",
    "ctc_best_path",
    "ctc_log_probs",
    "ctc_loss",
    "ctc_texts",
    "digit_net",
    "grey_net",
    "he_normal",
    "inverse_time_decay",
    "line_net",
    "load_model",
    "log_odds",
    "one_cycle",
    "prepare_for_inference",
    "reject_cross_entropy",
    "row_net",
    "save_model",
    "seed_net",
    "small_net",
    "softmax",
    "softmax_cross_entropy",
    "softmax_regression",
    "whitening",
    "xavier_uniform",
]
