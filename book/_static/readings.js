// What three labs say of a box, once more in JavaScript, so that a page without a kernel can answer. The numbers and the
// words are those of gk_utils/labs/boxes.py, token_readings.py and roi_readings.py; a test holds them equal.
// Boxes are [x1, y1, x2, y2] in pixels of the picture, `hw` its height and width.

// ------------------------------------------------------------------------------------------------- numbers as Python

/** A number with so many decimals; exact halves go to the even digit, as Python rounds. */
export function fixed(value, decimals) {
  const exact = Math.abs(value).toFixed(Math.min(decimals + 60, 100)); // the digits of a double end before that
  const tie = decimals > 0 ? /^50*$/.test(exact.split(".")[1].slice(decimals)) : /^50*$/.test(exact.split(".")[1]);
  let text = Math.abs(value).toFixed(decimals);
  const last = Number(text.at(-1));
  if (tie && last % 2 === 1) text = (Number(text) - 10 ** -decimals).toFixed(decimals);
  return (value < 0 || Object.is(value, -0) ? "-" : "") + text;
}

/** Six digits and no zeros behind them. */
export const short = (value) => String(Number(value.toPrecision(6)));

const signed = (value) => (value < 0 || Object.is(value, -0) ? "" : "+") + short(value);
const area = (value) =>
  value.toLocaleString("en-US", { minimumFractionDigits: Number.isInteger(value) ? 0 : 1, maximumFractionDigits: 1 });
const clamp = (value, low, high) => Math.max(low, Math.min(value, high));

// -------------------------------------------------------------------------------------------------------- two boxes

const THRESHOLDS = [0.5, 0.75];
const sizeOf = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);

export function overlap(a, b) {
  const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const intersection = Math.max(wide, 0) * Math.max(high, 0);
  const union = sizeOf(a) + sizeOf(b) - intersection;
  const hull = (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) * (Math.max(a[3], b[3]) - Math.min(a[1], b[1]));
  const iou = union > 0 ? intersection / union : 0;
  return { intersection, union, iou, giou: hull > 0 ? iou - (hull - union) / hull : 0 };
}

function onTheRightSide(iou) {
  for (let decimals = 2; decimals < 17; decimals++) {
    const text = fixed(iou, decimals);
    const same = [...THRESHOLDS, 1].every((limit) => Number(text) >= limit === iou >= limit);
    if (Number(text) > 0 && same) return text;
  }
  return String(iou);
}

export function verdict(box, truth) {
  const { iou } = overlap(box, truth);
  if (sizeOf(box) === 0) return "IoU 0: a box without area covers nothing.";
  if (sizeOf(truth) === 0) return "IoU 0: the true box has no area, so nothing can cover it.";
  if (iou === 0) return "IoU 0: the boxes do not overlap. Only GIoU still says how far apart they are.";
  const passed = THRESHOLDS.filter((limit) => iou >= limit).join(" and at ");
  const failed = THRESHOLDS.filter((limit) => iou < limit).join(" and at ");
  const said = [...(passed ? [`passes at ${passed}`] : []), ...(failed ? [`fails at ${failed}`] : [])].join(", ");
  return `IoU ${onTheRightSide(iou)}: ${said}.`;
}

/** Lesson 01: how one box fits another. */
export function readBoxes(box, { truth }) {
  const { intersection, union, giou } = overlap(box, truth);
  const sides = box.map(short).join(", ");
  const areas = `intersection ${area(intersection)} / union ${area(union)} px²`;
  return { note: `${verdict(box, truth)}\n[${sides}] · ${areas} · GIoU ${fixed(giou, 2)}`, truth: [truth] };
}

// ------------------------------------------------------------------------------------------------------------ tokens

export const GRID = 32; // cells a side in Kosmos-2

function inBins(box, [height, width], count) {
  const sides = [width, height, width, height];
  const steps = count - 1;
  const tokens = box.map((at, i) => clamp(Math.floor((at * steps) / sides[i] + 0.5), 0, count - 1));
  const decoded = tokens.map((token, i) => Math.fround((token * sides[i]) / steps));
  return { name: `${count} bins`, tokens, decoded, bounds: [(width / steps) * 0.5, (height / steps) * 0.5] };
}

function inCells(box, [height, width]) {
  const sides = [width, height, width, height];
  const scaled = box.map((at, i) => (at * GRID) / sides[i]);
  const first = [0, 1].map((axis) => clamp(Math.floor(scaled[axis]), 0, GRID - 1));
  const last = [0, 1].map((axis) => Math.max(clamp(Math.ceil(scaled[axis + 2]) - 1, 0, GRID - 1), first[axis]));
  const thin = first.some((cell, axis) => cell === last[axis]);
  const corners = [...first.map((cell) => cell + (thin ? 0 : 0.5)), ...last.map((cell) => cell + (thin ? 1 : 0.5))];
  const decoded = corners.map((corner, i) => Math.fround((corner * sides[i]) / GRID));
  const reach = thin ? 1 : 0.5;
  const tokens = [first, last].map(([column, row]) => row * GRID + column);
  return { name: `${GRID} × ${GRID} cells`, tokens, decoded, bounds: [(width / GRID) * reach, (height / GRID) * reach] };
}

function verdictOnCode(box, { decoded }) {
  if (sizeOf(box) === 0) return "IoU 0: your box has no area.";
  if (sizeOf(decoded) === 0) return "IoU 0: lost. Opposite sides get the same token, and no area comes back.";
  return verdict(decoded, box);
}

/** Lesson 03: a box as tokens, and what comes back; `bins` is their number a side, or "cells". */
export function readTokens(box, { hw, bins }) {
  const code = bins === "cells" ? inCells(box, hw) : inBins(box, hw, bins);
  const errors = code.decoded.map((at, i) => Math.abs(at - box[i]));
  const off = ["left", "top", "right", "bottom"].map((name, i) => `${name} ${fixed(errors[i], 2)}`).join(", ");
  const note = [
    `${code.name}, ${verdictOnCode(box, code)}`,
    `yours [${box.map(short).join(", ")}], ${short(box[2] - box[0])} × ${short(box[3] - box[1])} px`,
    `decoded [${code.decoded.map((at) => fixed(at, 1)).join(", ")}]`,
    `off by: ${off} px`,
    `at most: left and right ${fixed(code.bounds[0], 2)}, top and bottom ${fixed(code.bounds[1], 2)} px`,
  ].join("\n");
  return { note, truth: [code.decoded], tokens: code.tokens };
}

// -------------------------------------------------------------------------------------------------------- RoI Pool, Align

/** The cells [x1, y1, x2, y2) of each bin of RoI Pool, row by row; borders are computed in float32, as there. */
export function poolingCells(box, [rows, columns], bins, stride) {
  const corners = box.map((at) => Math.floor(at / stride + 0.5));
  const [xs, ys] = [0, 1].map((axis) => {
    const first = corners[axis];
    const step = Math.fround((corners[axis + 2] - first + 1) / bins);
    return Array.from({ length: bins }, (_, k) => [
      clamp(first + Math.floor(Math.fround(k * step)), 0, axis ? rows : columns),
      clamp(first + Math.ceil(Math.fround((k + 1) * step)), 0, axis ? rows : columns),
    ]);
  });
  return ys.map(([y1, y2]) => xs.map(([x1, x2]) => [x1, y1, x2, y2]));
}

/** Where the four samples of each bin of RoI Align lie, in cells; the first cell is 0 to 1. */
export function samplingPoints(box, bins, stride) {
  const [xs, ys] = [0, 1].map((axis) => {
    const [low, high] = [box[axis] / stride, box[axis + 2] / stride];
    const of = (k, share) => low + ((k + share) * (high - low)) / bins;
    return Array.from({ length: bins }, (_, k) => [of(k, 0.25), of(k, 0.75)]);
  });
  return ys.map((rows) => xs.map((columns) => rows.flatMap((y) => columns.map((x) => [x, y]))));
}

/** The map between the centres of its cells, each direction by itself; beyond the outer centres it goes on as it is. */
function between(grid, x, y) {
  const axis = (at, length) => {
    const place = clamp(at - 0.5, 0, length - 1);
    const low = Math.floor(place);
    return [low, Math.min(low + 1, length - 1), place - low];
  };
  const [y1, y2, down] = axis(y, grid.length);
  const [x1, x2, right] = axis(x, grid[0].length);
  const along = (row) => grid[row][x1] * (1 - right) + grid[row][x2] * right;
  return along(y1) * (1 - down) + along(y2) * down;
}

/** Lesson 06: what RoI Pool and RoI Align read for a box on the map of brightness with this stride. */
export function readRoi(box, { grids, stride, bins }) {
  const grid = grids[stride];
  const hw = [grid.length, grid[0].length];
  const region = poolingCells(box, hw, 1, stride)[0][0].map((cell) => cell * stride);
  const cells = poolingCells(box, hw, bins, stride);
  const points = samplingPoints(box, bins, stride);
  const pooled = cells.map((row) =>
    row.map(([x1, y1, x2, y2]) => {
      const values = grid.slice(y1, y2).flatMap((line) => line.slice(x1, x2));
      return values.length ? Math.max(...values) : 0;
    }),
  );
  const aligned = points.map((row) => row.map((four) => four.reduce((sum, [x, y]) => sum + between(grid, x, y) / 4, 0)));
  const covered = grid.map((line) => line.map(() => 0));
  for (const [x1, y1, x2, y2] of cells.flat())
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) covered[y][x] += 1;
  const beyond = region.map((at, i) => (i < 2 ? box[i] - at : at - box[i]));
  const off = ["left", "top", "right", "bottom"].map((name, i) => `${name} ${signed(beyond[i])}`).join(", ");
  const size = (one) => `${short(one[2] - one[0])} × ${short(one[3] - one[1])}`;
  const iou = Math.fround(overlap(box, region).iou);
  const note = [
    `RoI Pool reads ${size(region)} px for your ${size(box)} px: IoU ${fixed(iou, 2)}.`,
    `Reaches over the box: ${off} px. Cells in more than one bin: ${covered.flat().filter((n) => n > 1).length}.`,
    `RoI Align reads ${4 * bins * bins} samples, all inside your box.`,
  ].join("\n");
  return { note, truth: [region], cells, points, pooled, aligned, covered };
}
