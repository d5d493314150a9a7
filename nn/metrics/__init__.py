"""Evaluation metrics: functions of whole arrays, and classes that accumulate over batches."""

from nn.metrics.boxes import box_iou, nms
from nn.metrics.classification import (
    Accuracy,
    Perplexity,
    TopKAccuracy,
    accuracy,
    perplexity,
    top_k_accuracy,
)
from nn.metrics.confusion import (
    F1,
    ConfusionMatrix,
    JaccardIndex,
    Precision,
    Recall,
    confusion_matrix,
    f1_score,
    jaccard_score,
    precision_score,
    recall_score,
)
from nn.metrics.detection import MeanAveragePrecision, mean_average_precision
from nn.metrics.metric import Metric
from nn.metrics.regression import (
    MeanAbsoluteError,
    R2Score,
    mean_absolute_error,
    r2_score,
)
from nn.metrics.sequences import edit_distance, error_rate

__all__ = [
    "F1",
    "Accuracy",
    "ConfusionMatrix",
    "JaccardIndex",
    "MeanAbsoluteError",
    "MeanAveragePrecision",
    "Metric",
    "Perplexity",
    "Precision",
    "R2Score",
    "Recall",
    "TopKAccuracy",
    "accuracy",
    "box_iou",
    "confusion_matrix",
    "edit_distance",
    "error_rate",
    "f1_score",
    "jaccard_score",
    "mean_absolute_error",
    "mean_average_precision",
    "nms",
    "perplexity",
    "precision_score",
    "r2_score",
    "recall_score",
    "top_k_accuracy",
]
