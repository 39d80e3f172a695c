// The scales of the curves, both logarithmic, or all that matters would lie on the lowest line: the loss itself, and
// the error rate, under the names of the accuracies.

import { exactPercent } from "../shared/wording.js";

export const [WIDTH, HEIGHT] = [400, 180]; // of a chart's drawing, in its own units

/**
 * training, validation: names in a point of the curve that the server sends, {epoch, ...}; max, min: ends of the
 * scale; ticks: where it has lines; nameOf: what stands beside one; quantity: what a point's value is on the
 * scale; isRising: the minimum is at the top; latest: a point's value in words.
 */
export const SCALES = {
  loss: {
    training: "loss",
    validation: "validation_loss",
    max: 3,
    min: 0.01,
    ticks: [1, 0.1, 0.01],
    nameOf: String,
    quantity: (loss) => loss,
    isRising: false,
    latest: (loss) => loss.toPrecision(2),
  },
  accuracy: {
    training: "accuracy",
    validation: "validation_accuracy",
    max: 1,
    min: 0.001,
    ticks: [1, 0.1, 0.01, 0.001],
    nameOf: (errorRate) => `${+(100 * (1 - errorRate)).toFixed(1)}%`,
    quantity: (accuracy) => 1 - accuracy,
    isRising: true,
    latest: exactPercent,
  },
};

/** Where a quantity lies in a chart: units from the top. What lies beyond the scale is at its end. */
export function heightOf({ max, min, isRising }, quantity) {
  const fallen = Math.log(max / Math.min(Math.max(quantity, min), max)) / Math.log(max / min);
  return HEIGHT * (isRising ? 1 - fallen : fallen);
}

/** The points of a curve's column that are to be drawn. isSparse: a value that repeats is drawn once. */
function pointsOf(curve, column, isSparse) {
  return curve
    .filter((point) => point[column] !== null)
    .filter((point, i, all) => !isSparse || i === 0 || point[column] !== all[i - 1][column]);
}

/** The `d` of an SVG path through one column of a curve, over so many epochs: "" without points, a dash for one. */
export function pathOf(scale, curve, column, epochs) {
  const points = pointsOf(curve, column, column === scale.validation).map((point) => {
    const [x, y] = [(WIDTH * point.epoch) / epochs, heightOf(scale, scale.quantity(point[column]))];
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  if (points.length === 1) return `M${points[0]}m-3 0h6`;
  return points.length > 1 ? `M${points.join("L")}` : "";
}

/** The latest validation of a curve, in words; "" before there is one. */
export function latestOf(scale, curve) {
  const point = curve.findLast((one) => one[scale.validation] !== null);
  return point ? scale.latest(point[scale.validation]) : "";
}
