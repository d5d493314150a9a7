"""Evaluation metrics: functions of whole arrays, and classes that accumulate over batches."""

from typing import NoReturn

from autograd.spelling import refuse_name
from nn.metrics.boxes import box_iou as box_iou
from nn.metrics.boxes import nms as nms
from nn.metrics.classification import Accuracy as Accuracy
from nn.metrics.classification import Perplexity as Perplexity
from nn.metrics.classification import TopKAccuracy as TopKAccuracy
from nn.metrics.classification import accuracy as accuracy
from nn.metrics.classification import perplexity as perplexity
from nn.metrics.classification import top_k_accuracy as top_k_accuracy
from nn.metrics.confusion import F1 as F1
from nn.metrics.confusion import ConfusionMatrix as ConfusionMatrix
from nn.metrics.confusion import JaccardIndex as JaccardIndex
from nn.metrics.confusion import Precision as Precision
from nn.metrics.confusion import Recall as Recall
from nn.metrics.confusion import confusion_matrix as confusion_matrix
from nn.metrics.confusion import f1_score as f1_score
from nn.metrics.confusion import jaccard_score as jaccard_score
from nn.metrics.confusion import precision_score as precision_score
from nn.metrics.confusion import recall_score as recall_score
from nn.metrics.detection import MeanAveragePrecision as MeanAveragePrecision
from nn.metrics.detection import mean_average_precision as mean_average_precision
from nn.metrics.metric import Metric as Metric
from nn.metrics.ranking import AUC as AUC
from nn.metrics.ranking import roc_auc_score as roc_auc_score
from nn.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from nn.metrics.regression import MeanSquaredError as MeanSquaredError
from nn.metrics.regression import R2Score as R2Score
from nn.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
from nn.metrics.regression import mean_absolute_error as mean_absolute_error
from nn.metrics.regression import mean_squared_error as mean_squared_error
from nn.metrics.regression import r2_score as r2_score
from nn.metrics.sequences import edit_distance as edit_distance
from nn.metrics.sequences import error_rate as error_rate

_INSTEAD = {
    "BinaryAccuracy": "write nn.metrics.Accuracy(multilabel=True)",
    **dict.fromkeys(
        ("CategoricalAccuracy", "SparseCategoricalAccuracy", "MulticlassAccuracy"),
        "it is nn.metrics.Accuracy",
    ),
    **dict.fromkeys(("F1Score", "MulticlassF1Score"), "it is nn.metrics.F1"),
    **dict.fromkeys(("AUROC", "BinaryAUROC"), "it is nn.metrics.AUC"),
    **dict.fromkeys(("MeanIoU", "IoU"), "it is nn.metrics.JaccardIndex"),
    "accuracy_score": "it is nn.metrics.accuracy(outputs, targets)",
}


def __getattr__(name: str) -> NoReturn:
    refuse_name("nn.metrics", name, _INSTEAD.get(name))
