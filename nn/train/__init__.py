"""Training in one call: the loop, callbacks, history, and Keras's methods of Sequential."""

from nn.train import compiled  # noqa: F401 - gives Sequential its methods
from nn.train.callback import Callback
from nn.train.callbacks import (
    EarlyStopping,
    GradientClipping,
    LearningRateScheduler,
    ModelCheckpoint,
)
from nn.train.evaluate import evaluate, predict
from nn.train.fit import fit
from nn.train.history import History
from nn.train.loggers import CSVLogger, JSONLLogger, TensorBoard
from nn.train.state import State
from nn.train.watch import Watch

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "GradientClipping",
    "History",
    "JSONLLogger",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "State",
    "TensorBoard",
    "Watch",
    "evaluate",
    "fit",
    "predict",
]
