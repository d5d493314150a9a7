"""Training in one call: the loop, callbacks, history, and Keras's methods of every Module."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.train import compiled  # noqa: F401 - gives Module its methods
from nn.train.callback import Callback as Callback
from nn.train.callbacks import EarlyStopping as EarlyStopping
from nn.train.callbacks import GradientClipping as GradientClipping
from nn.train.callbacks import LearningRateScheduler as LearningRateScheduler
from nn.train.callbacks import ModelCheckpoint as ModelCheckpoint
from nn.train.evaluate import evaluate as evaluate
from nn.train.evaluate import predict as predict
from nn.train.fit import fit as fit
from nn.train.history import History as History
from nn.train.loggers import CSVLogger as CSVLogger
from nn.train.loggers import JSONLLogger as JSONLLogger
from nn.train.loggers import TensorBoard as TensorBoard
from nn.train.state import State as State
from nn.train.watch import Timelapse as Timelapse
from nn.train.watch import Watch as Watch

_INSTEAD = {
    "ReduceLROnPlateau": "write nn.train.LearningRateScheduler(nn.optim.lr_scheduler."
    "ReduceLROnPlateau)",
    "TerminateOnNaN": "leave it out: fit stops at NaN by itself, and says where it arose",
    "BackupAndRestore": "give fit a checkpoint=path, from which it resumes",
    "LambdaCallback": "give the function itself; it is called with the State after each epoch",
    **dict.fromkeys(("Trainer", "LightningModule"), "nn.train.fit(model, data, loss) trains"),
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.train", name, _INSTEAD.get(name))
