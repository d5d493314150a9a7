"""Estimators of scikit-learn: a network in `Pipeline`, `GridSearchCV` and the like."""

from __future__ import annotations

import copy
import inspect
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np

from autograd.node import Array
from autograd.random import default_generator, drawing_from
from nn import functional as F  # noqa: N812 - PyTorch users' name
from nn.arguments import chosen, count
from nn.data.packages import needs
from nn.losses.binary import BCELoss, BCEWithLogitsLoss
from nn.losses.classification import CrossEntropyLoss, NLLLoss
from nn.module import Module
from nn.train import EarlyStopping, fit, predict
from nn.train.batches import as_loader, make_parameters
from nn.train.callback import listed
from nn.train.choices import OPTIMIZERS, optimizer_for
from nn.train.history import History

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise needs("nn.sklearn", "scikit-learn of version 1.6 or later", "sklearn") from error

PREFIXES = ("module__", "optimizer__")
TURN = threading.RLock()
"""Fits take turns among threads: what has no generator of its own draws from the default one."""


def _two(p: Array) -> Array:
    """Probabilities of both classes from those of the second, (N,) or (N, 1)."""
    second = p.reshape(len(p), -1)[:, 0]
    return np.stack([1 - second, second], axis=1)


def _softmax(scores: Array) -> Array:
    return np.asarray(F.softmax(scores, 1))


def _same(p: Array) -> Array:
    return p


BINARY = "binary_cross_entropy", "binary_crossentropy", F.binary_cross_entropy, BCELoss
BINARY_LOGITS = (
    "binary_cross_entropy_with_logits", F.binary_cross_entropy_with_logits, BCEWithLogitsLoss,
)  # fmt: skip
PROBABILITIES: dict[Any, Callable[[Array], Array]] = {
    **dict.fromkeys(("cross_entropy", F.cross_entropy, CrossEntropyLoss), _softmax),
    **dict.fromkeys(("nll", F.nll_loss, NLLLoss), np.exp),
    **dict.fromkeys(("categorical_crossentropy", "sparse_categorical_crossentropy"), _same),
    **dict.fromkeys(BINARY, _two),
    **dict.fromkeys(BINARY_LOGITS, lambda scores: _two(np.asarray(F.sigmoid(scores)))),
}
"""Loss, its name or class -> the probabilities of all classes that its outputs stand for."""


class _Net(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: parameters, training, outputs."""

    _loss: ClassVar[str]

    def __init__(
        self,
        module: Any,
        *,
        loss: Any = None,
        optimizer: Any = "adam",
        lr: float | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        validation_split: float | None = None,
        early_stopping: int | None = None,
        metrics: Any = (),
        callbacks: Any = (),
        dtype: Any = "float32",
        compile: bool = False,
        random_state: Any = None,
        verbose: bool = False,
        **settings: Any,
    ) -> None:
        self.module, self.loss, self.optimizer, self.lr = module, loss, optimizer, lr
        self.epochs, self.batch_size = epochs, batch_size
        self.validation_split, self.early_stopping = validation_split, early_stopping
        self.metrics, self.callbacks, self.dtype, self.compile = metrics, callbacks, dtype, compile
        self.random_state, self.verbose = random_state, verbose
        for name, value in settings.items():
            if not name.startswith(PREFIXES):
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r}; settings of the module "
                    "begin with module__, those of the optimizer with optimizer__."
                )
            setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All parameters by name, with those of module and optimizer that were given."""
        own = {name: x for name, x in vars(self).items() if name.startswith(PREFIXES)}
        return {**super().get_params(deep), **own}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``module__hidden=8`` sets `hidden` of the module."""
        own = {name: x for name, x in params.items() if name.startswith(PREFIXES)}
        super().set_params(**{name: x for name, x in params.items() if name not in own})
        for name, x in own.items():
            setattr(self, name, x)
        return self

    def _settings(self, prefix: str) -> dict[str, Any]:
        given = vars(self).items()
        return {name[len(prefix) :]: x for name, x in given if name.startswith(prefix)}

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : (N, features), or more axes.
        y : (N,); for a regressor also (N, outputs).
        sample_weight : (N,), a weight for each sample's loss, optional.
        """
        return self._fit(X, y, sample_weight, True, count("fit", "epochs", self.epochs, 1))

    def _fit(self, X: Any, y: Any, sample_weight: Any, first: bool, epochs: int) -> Self:
        X, y = self._checked(X, y, first)
        weights = None
        if sample_weight is not None:
            weights = np.asarray(sample_weight, np.float64)
            if weights.shape != (len(X),):
                raise ValueError(
                    f"sample_weight must have the shape ({len(X)},), got {weights.shape}."
                )
            if not weights.any():
                raise ValueError("sample_weight is zero everywhere: there is nothing to learn.")
        with TURN, self._draws(first):
            data, held_out, weights, held_weights = self._split(X, y, weights)
            loss = self._loss if self.loss is None else self.loss
            if first:
                self.module_ = self._module(X)
                make_parameters(self.module_, as_loader("fit", data, self.module_, 1))
                self.optimizer_, self.n_iter_ = self._optimizer(self.module_), 0
            self.history_: History = fit(
                self.module_,
                data,
                loss,
                self.optimizer_,
                epochs,
                validation=held_out,
                metrics=copy.deepcopy(self.metrics),
                callbacks=self._callbacks(),
                batch_size=self.batch_size,
                sample_weight=weights,
                validation_weight=held_weights,
                compile=self.compile,
                verbose=bool(self.verbose),
            )
        self.n_iter_ += len(self.history_)
        return self

    def _draws(self, first: bool) -> AbstractContextManager[Any]:
        """The generator of a run: that of random_state, or the default one."""
        if self.random_state is None:
            return nullcontext()
        if first:
            seed = check_random_state(self.random_state).randint(2**31)
            self._generator = np.random.default_rng(seed)
        return drawing_from(self._generator)

    def _checked(self, X: Any, y: Any, first: bool) -> tuple[Array, Array]:
        """Inputs and targets as arrays that the network takes."""
        raise NotImplementedError

    def _split(self, X: Array, y: Array, weights: Array | None) -> tuple[Any, ...]:
        """Data, validation, and the weights of both."""
        if not self.validation_split:
            return (X, y), None, weights, None
        arrays = [X, y] if weights is None else [X, y, weights]
        parts = train_test_split(
            *arrays,
            test_size=self.validation_split,
            stratify=y if isinstance(self, ClassifierMixin) else None,
            random_state=int(default_generator().integers(2**31)),
        )
        given, held_out = parts[::2], parts[1::2]
        if weights is None:
            return tuple(given), tuple(held_out), None, None
        return tuple(given[:2]), tuple(held_out[:2]), given[2], held_out[2]

    def _module(self, X: Array) -> Module:
        """A new network."""
        settings, given = self._settings("module__"), self.module
        if isinstance(given, Module):
            if settings:
                raise TypeError(
                    f"{type(self).__name__}: module is a {type(given).__name__} that is made "
                    f"already; module__{next(iter(settings))} needs its class, or a function."
                )
            return copy.deepcopy(given)
        if not callable(given):
            raise TypeError(
                f"{type(self).__name__}: module must be a Module, its class, or a function that "
                f"makes one, not {given!r}."
            )
        told = {"out_features": self._outputs()}
        if X.ndim == 2:
            told["in_features"] = X.shape[1]
        takes = inspect.signature(given).parameters
        settings = {name: x for name, x in told.items() if name in takes} | settings
        made = given(**settings)
        if not isinstance(made, Module):
            raise TypeError(f"{type(self).__name__}: module made {made!r}, which is no Module.")
        return made

    def _outputs(self) -> int:
        """How many numbers the network is to return for a sample."""
        raise NotImplementedError

    def _optimizer(self, model: Module) -> Any:
        settings, given = self._settings("optimizer__"), self.optimizer
        if settings:
            kind = chosen("optimizer", given, OPTIMIZERS) if isinstance(given, str) else given
            given = partial(kind, **settings)
        return optimizer_for(given, model, self.lr)

    def _callbacks(self) -> list[Any]:
        patience = self.early_stopping
        stop = [] if patience is None else [EarlyStopping(patience=patience)]
        return [*copy.deepcopy(listed(self.callbacks)), *stop]

    def _scores(self, X: Any) -> Array:
        """What the network returns."""
        check_is_fitted(self, "module_")
        X = validate_data(self, X, reset=False, dtype=self.dtype, allow_nd=True)
        outputs = predict(self.module_, X)
        if not isinstance(outputs, np.ndarray):
            raise TypeError(
                f"{type(self).__name__}: the module must return one array for each sample, not a "
                f"{type(outputs).__name__}."
            )
        return outputs

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = self.random_state is None
        return tags


class NetClassifier(ClassifierMixin, _Net):  # type: ignore[misc]
    """A network as a classifier of scikit-learn.

    Parameters
    ----------
    module : a Module, of which each fit trains a copy; its class; or a function that makes one.
        Class and function are called with the settings ``module__...``, and with `in_features` (of
        X) and `out_features` (the number of classes, or 1 where the loss is binary) if they take
        them and are not given them.
    loss : as in `nn.train.fit`; by default "cross_entropy" of logits, (N, classes).
    optimizer : a name of `nn.optim` in small letters, a class, or a function of the parameters; it
        is called with the settings ``optimizer__...``.
    lr : learning rate, by default the optimizer's.
    epochs : passes over the data.
    batch_size : samples of an update.
    validation_split : share of the samples, drawn by class, that is held out and measured after
        each epoch; None for none.
    early_stopping : epochs without a better "val_loss" ("loss" without a validation) after which
        training stops, with the best weights; None for never.
    metrics, callbacks, compile : as in `nn.train.fit`; each fit has copies of them.
    dtype : what X is converted to; None leaves it, as an Embedding wants its integers.
    random_state : int or RandomState: weights that are drawn, order and dropout are the same in
        each fit. None draws from the default generator, which `autograd.seed` seeds.
    verbose : whether progress is shown.
    **settings : ``module__name`` and ``optimizer__name``, which `set_params` and `GridSearchCV`
        know, too.

    Attributes
    ----------
    classes_ : the labels, sorted; the network's outputs are in their order.
    module_ : the trained Module.
    history_ : History of the last fit.
    n_iter_ : epochs trained.
    n_features_in_, feature_names_in_ : what scikit-learn notes of X.

    Examples
    --------
    >>> import nn
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> def make(in_features, out_features, hidden=8):
    ...     return nn.models.MLP(in_features, hidden, out_features)
    >>> net = nn.sklearn.NetClassifier(make, lr=0.03, epochs=20, random_state=0)
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), net)
    >>> search = GridSearchCV(pipeline, {"netclassifier__module__hidden": [2, 16]}, cv=3)
    >>> bool(search.fit(X, y).best_score_ > 0.9)
    True
    """

    _loss = "cross_entropy"
    classes_: Array

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train on for one epoch; the first call makes the network.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`.
        classes : all labels that there will be; needed in the first call.
        """
        first = not hasattr(self, "module_")
        if classes is not None:
            labels = np.unique(classes)
            if not first and not np.array_equal(labels, self.classes_):
                raise ValueError(
                    f"classes={classes!r} is not the same as in the last call: {self.classes_!r}."
                )
            self.classes_ = labels
        elif first:
            raise ValueError("classes must be given in the first call of partial_fit.")
        self._partial = True
        try:
            return self._fit(X, y, sample_weight, first, 1)
        finally:
            del self._partial

    def _checked(self, X: Any, y: Any, first: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=first, dtype=self.dtype, allow_nd=True)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        if not hasattr(self, "_partial"):
            self.classes_ = np.unique(y)
        places = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        strangers = np.unique(y[self.classes_[places] != y])
        if len(strangers):
            raise ValueError(f"y has labels that are not among the classes: {strangers}.")
        if len(self.classes_) < 2:
            raise ValueError(f"y must have more than one class, got {self.classes_} alone.")
        if self._binary() and len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is "
                f"{type_of_target(y)}: it has {len(self.classes_)} classes, for a binary loss."
            )
        if self._binary() and not isinstance(self.loss, str):  # which takes the outputs' shape only
            return X, places[:, None].astype(np.float32)
        return X, places

    def _binary(self) -> bool:
        return self._kind() in (*BINARY, *BINARY_LOGITS)

    def _kind(self) -> Any:
        """The loss's name, function or class."""
        loss = self._loss if self.loss is None else self.loss
        if isinstance(loss, Module):
            return type(loss)
        return loss.lower() if isinstance(loss, str) else loss

    def _outputs(self) -> int:
        return 1 if self._binary() else len(self.classes_)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes, (N, classes), in the order of `classes_`."""
        kind = self._kind()
        if kind not in PROBABILITIES:
            raise TypeError(
                f"{type(self).__name__}.predict_proba: what probabilities the outputs for this "
                "loss stand for is not known; use a loss by name, or the outputs of module_."
            )
        p = PROBABILITIES[kind](self._scores(X).astype(np.float64))
        if p.shape[1:] != self.classes_.shape:
            raise ValueError(
                f"{type(self).__name__}: the module returns {p.shape[1:]} numbers for a sample, "
                f"but there are {len(self.classes_)} classes."
            )
        return p

    def predict(self, X: Any) -> Array:
        """The most probable class of each sample, (N,)."""
        known = self._kind() in PROBABILITIES
        scores = self.predict_proba(X) if known else self._scores(X)
        labels: Array = self.classes_[np.argmax(scores, axis=1)]
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = not self._binary()
        return tags


class NetRegressor(RegressorMixin, _Net):  # type: ignore[misc]
    """A network as a regressor of scikit-learn.

    Parameters and attributes are those of `NetClassifier`, but for classes; the loss is "mse" by
    default, and `out_features` is the number of targets. y and predictions are (N,) or
    (N, outputs).

    Examples
    --------
    >>> import nn, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> net = nn.sklearn.NetRegressor(nn.Linear, lr=0.1, epochs=20, random_state=0)
    >>> bool(net.fit(X, X @ [1.0, -2.0, 0.5]).score(X, X @ [1.0, -2.0, 0.5]) > 0.99)
    True
    """

    _loss = "mse"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on for one epoch; the first call makes the network."""
        return self._fit(X, y, sample_weight, not hasattr(self, "module_"), 1)

    def _checked(self, X: Any, y: Any, first: bool) -> tuple[Array, Array]:
        X, y = validate_data(
            self, X, y, reset=first, dtype=self.dtype, allow_nd=True, multi_output=True,
            y_numeric=True,
        )  # fmt: skip
        if first:
            self._targets = y.shape[1:]
        elif y.shape[1:] != self._targets:
            raise ValueError(f"y must have the shape (N, *{self._targets}) still, got {y.shape}.")
        return X, y.astype(np.float64)

    def _outputs(self) -> int:
        return self._targets[0] if self._targets else 1

    def predict(self, X: Any) -> Array:
        """Predictions, shaped like y."""
        y = self._scores(X).astype(np.float64)
        return y.reshape(len(y), *self._targets)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
