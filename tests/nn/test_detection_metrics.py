"""Boxes and mean average precision, against cases computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from nn import metrics

TWO = [{"boxes": [[0, 0, 10, 10], [20, 20, 30, 30]], "labels": [0, 0]}]


def found(*rows):
    """One image's boxes, each given as (box, score, label)."""
    boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return {"boxes": list(boxes), "scores": list(scores), "labels": np.array(labels, int)}


def random_boxes(rng, n):
    corners = rng.uniform(0, 20, (n, 2))
    return np.concatenate([corners, corners + rng.uniform(1, 12, (n, 2))], 1)


def test_box_iou_is_common_area_over_covered_area():
    boxes = [[0, 0, 4, 4], [2, 2, 6, 6], [4, 0, 8, 4], [1, 1, 3, 3]]
    expected = [[1, 4 / 28, 0, 4 / 16], [4 / 28, 1, 4 / 28, 1 / 19]]
    np.testing.assert_allclose(metrics.box_iou(boxes[:2], boxes), expected)


def test_box_iou_counts_pixels():
    rng = np.random.default_rng(0)
    a, b = (np.sort(rng.integers(0, 9, (20, 2, 2)), 1).reshape(20, 4) for _ in range(2))

    def painted(box):
        canvas = np.zeros((9, 9), bool)
        canvas[box[1] : box[3], box[0] : box[2]] = True
        return canvas

    for i, j in np.ndindex(20, 20):
        common, covered = painted(a[i]) & painted(b[j]), painted(a[i]) | painted(b[j])
        expected = common.sum() / covered.sum() if covered.any() else 0
        assert metrics.box_iou(a[i : i + 1], b[j : j + 1])[0, 0] == pytest.approx(expected)


def test_box_iou_keeps_float32_and_takes_no_boxes():
    some = np.ones((3, 4), np.float32)
    assert metrics.box_iou(some, some).dtype == np.float32
    assert metrics.box_iou([], some).shape == (0, 3)
    np.testing.assert_array_equal(metrics.box_iou(some, some), 0)  # points have no area


def test_nms_drops_what_overlaps_a_better_box_and_only_that():
    boxes = [[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]]  # neighbors: 60/140, ends: 20/180
    assert metrics.nms(boxes, [0.5, 0.9, 0.4], 0.4).tolist() == [1]
    assert metrics.nms(boxes, [0.9, 0.5, 0.4], 0.4).tolist() == [0, 2]  # 1 is gone, so 2 stays
    assert metrics.nms(boxes, [0.5, 0.9, 0.4], 0.5).tolist() == [1, 0, 2]


def test_nms_keeps_boxes_at_the_threshold_and_the_earlier_of_equal_ones():
    boxes = [[0, 0, 2, 1], [0, 0, 1, 1], [0, 0, 2, 1]]
    assert metrics.nms(boxes, [1, 1, 1], 0.5).tolist() == [0, 1]
    assert metrics.nms([], [], 0.5).tolist() == []
    assert metrics.nms(boxes, np.array([3, 1, 2], np.uint8), 0.9).tolist() == [0, 1]


def test_what_nms_keeps_lies_apart_and_what_it_drops_lies_close_to_a_better_one():
    rng = np.random.default_rng(1)
    boxes, scores = random_boxes(rng, 60), rng.random(60)
    kept = metrics.nms(boxes, scores, 0.3)
    assert (np.diff(scores[kept]) < 0).all()
    iou = metrics.box_iou(boxes, boxes)
    assert (iou[np.ix_(kept, kept)] - np.eye(len(kept)) <= 0.3).all()
    for i in set(range(60)) - set(kept.tolist()):
        assert (iou[i, kept[scores[kept] > scores[i]]] > 0.3).any()


def test_average_precision_is_the_area_under_the_raised_curve():
    right, wrong = [0, 0, 10, 10], [50, 50, 60, 60]
    other = [20, 20, 30, 30]
    outputs = [found((right, 0.9, 0), (wrong, 0.8, 0), (wrong, 0.7, 0), (other, 0.6, 0))]
    metric = metrics.MeanAveragePrecision()
    metric.update(outputs, TWO)
    precision, recall, scores = metric.curve()
    np.testing.assert_allclose(precision, [1, 1 / 2, 1 / 3, 2 / 4])
    np.testing.assert_allclose(recall, [1 / 2, 1 / 2, 1 / 2, 1])
    np.testing.assert_allclose(scores, [0.9, 0.8, 0.7, 0.6])
    assert metric.compute() == pytest.approx(0.5 * 1 + 0.5 * 2 / 4)
    assert np.isnan(metric.fresh().compute())  # nothing was there


def test_a_later_better_precision_raises_the_ones_before_it():
    true = [{"boxes": [[i, 0, i + 1, 1] for i in range(4)], "labels": [0] * 4}]
    wrong = [9, 9, 10, 10]
    rows = [(wrong, 0.9, 0), *(([i, 0, i + 1, 1], 0.8 - i / 10, 0) for i in range(3))]
    # precision 0, 1/2, 2/3, 3/4 at recall 0, 1/4, 1/2, 3/4
    assert metrics.mean_average_precision([found(*rows)], true) == pytest.approx(9 / 16)


def test_a_second_box_on_the_same_thing_is_wrong_whichever_image_it_is_in():
    box = [0, 0, 10, 10]
    near = [0, 0, 10, 9]
    once = {"boxes": [box], "labels": [0]}
    metric = metrics.MeanAveragePrecision()
    metric.update([found((near, 0.9, 0), (box, 0.8, 0)), found((box, 0.7, 0))], [once, once])
    precision, _, _ = metric.curve(0)
    np.testing.assert_allclose(precision, [1, 1 / 2, 2 / 3])


def test_a_box_takes_the_nearest_free_thing():
    true = [{"boxes": [[0, 0, 10, 10], [2, 0, 12, 10]], "labels": [0, 0]}]
    outputs = [found(([0, 0, 10, 10], 0.9, 0), ([0, 0, 10, 10], 0.8, 0))]  # the second: IoU 2/3
    assert metrics.mean_average_precision(outputs, true) == 1
    assert metrics.mean_average_precision(outputs, true, iou_threshold=0.7) == 0.5


def test_the_threshold_decides_and_is_itself_enough():
    outputs = [found(([0, 0, 10, 5], 0.9, 0))]  # IoU 1/2
    true = [{"boxes": [[0, 0, 10, 10]], "labels": [0]}]
    assert metrics.mean_average_precision(outputs, true, 0.5) == 1
    assert metrics.mean_average_precision(outputs, true, 0.51) == 0


def test_classes_count_apart_and_those_without_a_true_box_not_at_all():
    box = [0, 0, 10, 10]
    true = [{"boxes": [box, box], "labels": [1, 2]}]
    metric = metrics.MeanAveragePrecision()
    metric.update([found((box, 0.9, 1), (box, 0.8, 7))], true)
    assert metric.by_class() == {1: 1.0, 2: 0.0}
    assert metric.compute() == 0.5


def test_images_without_boxes_count_what_they_miss():
    nothing = found()
    assert metrics.mean_average_precision([nothing], TWO) == 0
    assert np.isnan(metrics.mean_average_precision([nothing], [{"boxes": [], "labels": []}]))
    outputs = [nothing, found(([0, 0, 10, 10], 0.9, 0))]
    true = [TWO[0], {"boxes": [[0, 0, 10, 10]], "labels": [0]}]
    assert metrics.mean_average_precision(outputs, true) == pytest.approx(1 / 3)


def test_images_added_one_by_one_come_to_the_number_for_all():
    rng = np.random.default_rng(2)
    outputs, true = [], []
    for _ in range(12):
        boxes, labels = random_boxes(rng, 6), rng.integers(3, size=6)
        true.append({"boxes": boxes, "labels": labels})
        moved = boxes + rng.normal(0, 1.2, (6, 1))
        outputs.append({"boxes": moved, "labels": labels, "scores": rng.random(6)})
    metric = metrics.MeanAveragePrecision()
    for one, truth in zip(outputs, true, strict=True):
        metric.update([one], [truth])
    again = metrics.MeanAveragePrecision()
    again.load_state_dict(metric.state_dict())
    whole = metric(outputs, true)
    assert 0.1 < whole < 0.9
    assert whole == pytest.approx(metric.compute()) == pytest.approx(again.compute())


NAN = [[0, 0, np.nan, 1]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.box_iou([[5, 5, 2, 2]], []), ValueError, r"boxes1\[0\] is .*not x, y, w"),
        (lambda: metrics.box_iou([], NAN), ValueError, r"box_iou: boxes2\[0\]"),
        (lambda: metrics.box_iou([0, 0, 1, 1], []), ValueError, r"\(N, 4\).*got \(4,\)"),
        (lambda: metrics.box_iou([["a"] * 4], []), TypeError, "must hold numbers"),
        (lambda: metrics.nms([[0, 0, 1, 1]], [0.5, 0.5], 0.5), ValueError, r"shape \(1,\)"),
        (lambda: metrics.nms([[0, 0, 1, 1]], [np.nan], 0.5), ValueError, "scores contain NaN"),
        (lambda: metrics.nms([], [], 50), ValueError, "nms: iou_threshold must be between 0 and 1"),
        (lambda: metrics.MeanAveragePrecision(2), ValueError, "between 0 and 1, got 2"),
        (lambda: metrics.MeanAveragePrecision().curve(3), ValueError, "no true box of class 3"),
    ],
)
def test_bad_boxes_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("outputs", "true", "error", "message"),
    [
        (found(), TWO, TypeError, "lists with one dict per image, got dict and list"),
        ([found()], TWO * 2, ValueError, "outputs have 1 images, targets 2"),
        ([{"boxes": [], "labels": []}], TWO, ValueError, r"outputs\[0\] has no 'scores'"),
        (
            [found(([0, 0, 1, 1], np.nan, 0))],
            TWO,
            ValueError,
            r"outputs\[0\]\['scores'\] contain NaN",
        ),
        ([found()], [{"boxes": NAN, "labels": [0]}], ValueError, r"targets\[0\]\['boxes'\]\[0\]"),
        (
            [found()],
            [{"boxes": [[0, 0, 1, 1]], "labels": [0, 1]}],
            ValueError,
            r"boxes \(1, 4\), so labels must have shape \(1,\), got \(2,\)",
        ),
        (
            [found()],
            [{"boxes": [[0, 0, 1, 1]], "labels": [1.0]}],
            TypeError,
            "labels'] must be integers, got float64",
        ),
    ],
)
def test_bad_detections_are_refused_and_nothing_is_counted(outputs, true, error, message):
    metric = metrics.MeanAveragePrecision()
    metric.update([found(([0, 0, 10, 10], 0.9, 0))], TWO)
    with pytest.raises(error, match=message):
        metric.update(outputs, true)
    assert metric.compute() == 0.5
