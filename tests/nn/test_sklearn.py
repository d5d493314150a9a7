"""Networks as estimators of scikit-learn."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import autograd
import nn
from nn.sklearn import NetClassifier, NetRegressor


def make(in_features, out_features, hidden=16, dropout=0.0):
    return nn.models.MLP(in_features, hidden, out_features, dropout=dropout)


def classifier(**changes):
    return NetClassifier(make, **{"lr": 0.03, "epochs": 10, "random_state": 0, **changes})


def regressor(**changes):
    return NetRegressor(make, **{"lr": 0.03, "epochs": 10, "random_state": 0, **changes})


X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]

EXCLUDED = {
    "check_do_not_raise_errors_in_init_or_set_params": "**settings is no parameter: it has those "
    "that begin with module__ and optimizer__",
    "check_sample_weight_equivalence_on_dense_data": "a sample of weight 2 comes in one batch, two "
    "samples in any two, and a batch's loss is over its number of samples",
}


@pytest.mark.parametrize(
    "net",
    [
        classifier(epochs=40),
        classifier(epochs=40, loss="binary_cross_entropy_with_logits"),
        regressor(epochs=40),
    ],
    ids=["classifier", "binary", "regressor"],
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks_pass(net):
    found = check_estimator(net, on_fail=None, on_skip=None, expected_failed_checks=EXCLUDED)
    assert len(found) > 50
    failed = {x["check_name"]: x["exception"] for x in found if x["status"] == "failed"}
    assert failed == {}
    assert {x["check_name"] for x in found if x["status"] == "xfail"} == set(EXCLUDED)


def test_labels_may_be_anything_and_probabilities_are_in_their_order():
    net = classifier(epochs=30).fit(X, NAMES)
    assert list(net.classes_) == ["setosa", "versicolor", "virginica"]
    assert net.n_features_in_ == 4
    p = net.predict_proba(X)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(net.classes_[p.argmax(1)], net.predict(X))
    assert net.score(X, NAMES) > 0.95


@pytest.mark.parametrize(
    "loss",
    [
        "binary_crossentropy", "binary_cross_entropy_with_logits", nn.BCELoss(),
        nn.BCEWithLogitsLoss(), nn.functional.binary_cross_entropy_with_logits,
    ],
    ids=lambda loss: getattr(loss, "__name__", str(loss)),
)  # fmt: skip
def test_one_output_will_do_for_two_classes(loss):
    rows = Y < 2

    def one(in_features, out_features):
        assert out_features == 1
        last = nn.Linear(in_features, out_features)
        logits = "ogits" in str(loss)
        return last if logits else nn.Sequential(last, nn.Sigmoid())

    net = NetClassifier(one, loss=loss, lr=0.1, epochs=20, random_state=0)
    net.fit(X[rows], NAMES[rows])
    assert net.score(X[rows], NAMES[rows]) == 1
    p = net.predict_proba(X[rows])
    assert p.shape == (100, 2)
    np.testing.assert_allclose(p.sum(1), 1)
    assert (net.predict(X[:1]), p[0, 0] > 0.5) == ("setosa", True)


@pytest.mark.parametrize(
    "loss", ["nll", nn.NLLLoss(), "sparse_categorical_crossentropy", nn.CrossEntropyLoss()], ids=str
)
def test_probabilities_are_what_the_losss_outputs_stand_for(loss):
    last = {"N": nn.LogSoftmax(1), "n": nn.LogSoftmax(1), "s": nn.Softmax(1), "C": nn.Identity()}
    body = nn.Sequential(nn.Linear(4, 3), last[str(loss)[0]])
    net = NetClassifier(body, loss=loss, lr=0.1, epochs=20, random_state=0).fit(X, Y)
    np.testing.assert_allclose(net.predict_proba(X).sum(1), 1, rtol=1e-5)
    assert net.score(X, Y) > 0.9


def test_a_loss_whose_probabilities_are_not_known_still_predicts():
    net = classifier(loss=nn.MultiMarginLoss(), epochs=20).fit(X, Y)
    assert net.score(X, Y) > 0.9
    with pytest.raises(TypeError, match="what probabilities the outputs for this loss stand for"):
        net.predict_proba(X)


def test_targets_of_a_regressor_keep_their_shape():
    X, y = make_regression(100, 3, n_targets=2, random_state=0)
    y = y / np.abs(y).max()
    both = regressor().fit(X, y)
    one = regressor().fit(X, y[:, 0])
    assert (both.predict(X).shape, one.predict(X).shape) == ((100, 2), (100,))
    assert one.score(X, y[:, 0]) > 0.9
    with pytest.raises(ValueError, match=r"y must have the shape \(N, \*\(2,\)\) still"):
        both.partial_fit(X, y[:, 0])


def test_parameters_are_those_of_module_and_optimizer_too():
    net = classifier(module__hidden=8, optimizer__weight_decay=0.1, optimizer="adamw")
    params = net.get_params()
    assert (params["module__hidden"], params["optimizer__weight_decay"]) == (8, 0.1)
    assert "module__hidden=8" in repr(net)
    net.set_params(module__hidden=5, epochs=3)
    twin = clone(net)
    assert twin.get_params() == net.get_params()
    twin.fit(X, Y)
    assert (twin.module_[0].out_features, twin.n_iter_) == (5, 3)
    assert twin.optimizer_.param_groups[0]["weight_decay"] == 0.1
    assert type(twin.optimizer_).__name__ == "AdamW"
    with pytest.raises(TypeError, match=r"no parameter 'max_epochs'.*module__"):
        classifier(max_epochs=3)
    with pytest.raises(ValueError, match="Invalid parameter 'max_epochs'"):
        net.set_params(max_epochs=3)


def test_a_module_that_is_made_already_is_copied_for_each_fit():
    body = nn.Sequential(nn.Linear(None, 8), nn.ReLU(), nn.Linear(8, 3))
    net = NetClassifier(body, lr=0.03, random_state=0).fit(X, Y)
    assert net.module_ is not body
    assert body[0]._make is not None
    again = clone(net).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    with pytest.raises(TypeError, match="module__hidden needs its class, or a function"):
        NetClassifier(body, module__hidden=3).fit(X, Y)
    with pytest.raises(TypeError, match="module must be a Module"):
        NetClassifier("mlp").fit(X, Y)
    with pytest.raises(TypeError, match="module made 3, which is no Module"):
        NetClassifier(lambda: 3).fit(X, Y)


def test_a_random_state_gives_the_same_bits_and_leaves_the_default_generator():
    autograd.seed(0)
    expected = autograd.default_generator().random()
    autograd.seed(0)
    a, b, c = (
        classifier(module__dropout=0.2, random_state=seed).fit(X, Y).predict_proba(X)
        for seed in (3, 3, 4)
    )
    assert autograd.default_generator().random() == expected
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_without_a_random_state_the_default_generator_draws():
    found = []
    for _ in range(2):
        autograd.seed(1)
        found.append(classifier(random_state=None).fit(X, Y).predict_proba(X))
    np.testing.assert_array_equal(*found)


def test_partial_fit_trains_on_where_it_ended():
    net, whole = classifier(), classifier(epochs=5)
    for _ in range(5):
        net.partial_fit(X, NAMES, classes=np.unique(NAMES))
    np.testing.assert_array_equal(net.predict_proba(X), whole.fit(X, NAMES).predict_proba(X))
    assert net.n_iter_ == 5
    rows = Y == 1  # a batch need not have all classes
    net.partial_fit(X[rows], NAMES[rows])
    with pytest.raises(ValueError, match=r"labels that are not among the classes: .*'other'"):
        net.partial_fit(X[:2], ["setosa", "other"])
    with pytest.raises(ValueError, match="is not the same as in the last call"):
        net.partial_fit(X, NAMES, classes=["a", "b"])
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        classifier().partial_fit(X, NAMES)
    assert len(regressor().partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0]).history_) == 1


def test_weights_of_samples_weigh():
    x = np.zeros((90, 1))
    y = np.repeat([0, 1, 2], 30)
    weights = np.array([1.0, 2.0, 5.0])[y]
    net = NetClassifier(nn.Linear, lr=0.1, epochs=60, random_state=0).fit(x, y, weights)
    np.testing.assert_allclose(net.predict_proba(x[:1])[0], [1 / 8, 2 / 8, 5 / 8], atol=0.03)
    only = regressor(epochs=60).fit(np.zeros((2, 1)), [1.0, 3.0], sample_weight=[0.0, 1.0])
    assert only.predict([[0.0]])[0] == pytest.approx(3, abs=0.2)
    with pytest.raises(ValueError, match="zero everywhere"):
        net.fit(x, y, np.zeros(90))
    with pytest.raises(ValueError, match=r"shape \(90,\), got \(90, 1\)"):
        net.fit(x, y, np.ones((90, 1)))


def test_a_share_is_held_out_by_class_and_training_stops_early():
    net = classifier(epochs=200, lr=0.1, validation_split=0.2, early_stopping=3).fit(X, NAMES)
    assert net.n_iter_ < 200
    assert len(net.history_["val_loss"]) == net.n_iter_
    best = min(net.history_["val_loss"])
    assert net.history_["val_loss"].index(best) == net.n_iter_ - 4
    weighted = classifier(epochs=2, validation_split=0.3).fit(X, Y, np.ones(len(X)))
    plain = classifier(epochs=2, validation_split=0.3).fit(X, Y)
    assert weighted.history_["val_loss"] == pytest.approx(plain.history_["val_loss"])


def test_callbacks_and_metrics_are_copied_for_each_fit(capsys):
    stop = nn.train.EarlyStopping(patience=2)
    net = classifier(callbacks=[stop], metrics=["accuracy"]).fit(X, Y)
    assert stop.best is None
    assert len(net.history_["accuracy"]) == 10
    assert capsys.readouterr() == ("", "")
    classifier(verbose=True).fit(X, Y)
    assert "loss" in "".join(capsys.readouterr())


def test_a_fitted_net_is_pickled_and_trains_on():
    net = classifier(epochs=3).fit(X, NAMES)
    twin = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(twin.predict_proba(X), net.predict_proba(X))
    for each in (net, twin):
        each.partial_fit(X, NAMES)
    np.testing.assert_array_equal(twin.predict_proba(X), net.predict_proba(X))


def test_it_goes_into_pipelines_searches_and_votes():
    X, y = make_classification(120, 6, random_state=0)
    pipeline = make_pipeline(StandardScaler(), NetClassifier(nn.Linear, lr=0.1, random_state=0))
    search = GridSearchCV(
        pipeline, {"netclassifier__lr": [1e-6, 0.1], "netclassifier__epochs": [5]}, cv=2, n_jobs=2
    )
    search.fit(X, y)
    assert search.best_params_["netclassifier__lr"] == 0.1
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_allclose(
        scores[1], cross_val_score(search.best_estimator_, X, y, cv=2).mean()
    )
    votes = OneVsRestClassifier(classifier(epochs=15)).fit(*load_iris(return_X_y=True))
    assert len(votes.estimators_) == 3


def test_images_and_integers_go_in_as_they_are():
    images, y = load_digits(return_X_y=True)
    images = images[:300].reshape(-1, 1, 8, 8) / 16
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
    net = NetClassifier(net, lr=0.01, random_state=0).fit(images, y[:300])
    assert net.score(images, y[:300]) > 0.9
    tokens = np.random.default_rng(0).integers(0, 7, (200, 3))
    net = nn.Sequential(nn.Embedding(7, 8), nn.Flatten(), nn.Linear(24, 2))
    net = NetClassifier(net, dtype=None, lr=0.05, random_state=0).fit(tokens, tokens[:, 0] > 3)
    assert net.score(tokens, tokens[:, 0] > 3) > 0.95


def test_what_does_not_fit_is_refused():
    with pytest.raises(NotFittedError):
        classifier().predict(X)
    with pytest.raises(ValueError, match=r"returns \(4,\) numbers for a sample.*3 classes"):
        NetClassifier(nn.Linear(4, 4)).fit(X, Y).predict_proba(X)
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        classifier(loss="binary_crossentropy").fit(X, Y)
    with pytest.raises(ValueError, match="There is no optimizer 'adm'"):
        classifier(optimizer="adm", optimizer__eps=1e-3).fit(X, Y)

    def first(outputs, target):
        return np.mean((outputs[0][:, 0] - target) ** 2)

    net = NetRegressor(nn.LSTM(4, 2, batch_first=True), loss=first, epochs=1)
    net.fit(X[:, None], X[:, :2])
    with pytest.raises(TypeError, match="must return one array for each sample, not a tuple"):
        net.predict(X[:, None])


def test_nn_finds_it_without_an_import_of_its_own_and_shadows_nothing():
    assert nn.sklearn.NetClassifier is NetClassifier
    assert sklearn.__name__ == "sklearn"


def test_without_scikit_learn_it_says_what_to_install():
    code = "import sys; sys.modules['sklearn'] = None; import nn; nn.sklearn"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: nn.sklearn needs scikit-learn of version 1.6 or later" in run.stderr
    assert "pip install 'glassgrad[sklearn]'" in run.stderr


def test_a_step_may_be_compiled():
    plain = classifier(epochs=3).fit(X, Y)
    compiled = classifier(epochs=3, compile=True).fit(X, Y)
    np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_fits_in_parallel_give_the_same_bits(backend):
    def fitted(seed):
        return classifier(module__dropout=0.1, random_state=seed, epochs=3).fit(X, Y)

    with parallel_config(backend=backend):
        found = Parallel(n_jobs=2)(delayed(fitted)(seed) for seed in (1, 1, 2))
    a, b, c = (net.predict_proba(X) for net in found)
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
