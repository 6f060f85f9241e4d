// The canvas of the labs: a picture, what is true on it, and what the learner puts on it.
//
// The geometry is pure and exported, so that `node --test tests/canvas.test.mjs` runs it without a browser. It speaks
// image pixels: x to the right, y down, [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2 at every moment, mid-drag included.
// "Layout pixels" are those of CSS; the picture may be shown at any size, zoom or device pixel ratio.
//
// A mode is an entry of MODES: which traitlet of the Python widget it edits, and how the pointer, the keys, the eye and
// the ear meet that value. Its "hand" is what the page alone knows: where the cross-hair stands, which box is chosen.
// `render` at the end knows no mode.

// Told apart by colour (Okabe-Ito blue and orange, as in every figure), line (solid, dashed), label and its place. Each
// line lies on a wider one that it stands out from, so both are seen on dark, pale and busy pictures.
const LEARNER = { line: "#0072B2", under: "#ffffff", text: "#ffffff", dash: [], label: "below", gap: 8 };
const TRUTH = { line: "#E69F00", under: "#222222", text: "#000000", dash: [9, 6], label: "above", gap: 4 };
// Boxes to place carry their names inside; the one that the keys move is drawn black.
const PLACED = { ...LEARNER, label: "above", gap: 4 };
const CHOSEN = { ...PLACED, line: "#000000" };
const BESIDE = "#D55E00"; // Okabe-Ito vermilion: a point beside the object
const SHOWN_WITHIN = [560, 400]; // layout pixels, width and height: small pictures grow, large ones shrink
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// ---------------------------------------------------------------------------------------------- geometry of the view

/** Width in layout pixels at which a picture of `hw` (height, width) fills the room it may take. */
export function shownWidth([height, width], [roomWidth, roomHeight] = SHOWN_WITHIN) {
  return Math.round(width * Math.min(roomWidth / width, roomHeight / height));
}

/** Where a pointer stands in the picture. `rect` is the canvas in the window; only ratios enter, so zoom cancels. */
export function toPicture(clientX, clientY, rect, [height, width]) {
  return [((clientX - rect.left) * width) / rect.width, ((clientY - rect.top) * height) / rect.height];
}

/**
 * The upper left corner of a label of size `wh`, `gap` away from a box: "above" its left corner or "below" its right
 * one; inside the box where the room of size `roomWh` ends, and never outside the room.
 */
export function placeLabel([x1, y1, x2, y2], [w, h], [roomW, roomH], where, gap) {
  const above = where === "above";
  const outside = above ? y1 - gap - h : y2 + gap;
  const fits = outside >= 0 && outside + h <= roomH;
  const inwards = fits ? 0 : gap;
  const x = above ? x1 + inwards : x2 - inwards - w;
  const y = fits ? outside : above ? y1 + gap : y2 - gap - h;
  return [clamp(x, 0, roomW - w), clamp(y, 0, roomH - h)];
}

function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}

// ------------------------------------------------------------------------------------------------- geometry of a box

/** The same box with its corners in order. */
export function normalise([xa, ya, xb, yb]) {
  return [Math.min(xa, xb), Math.min(ya, yb), Math.max(xa, xb), Math.max(ya, yb)];
}

/**
 * What of the box lies under a point: "nw", "n", ... "w" for a corner or an edge, "move" inside, null outside.
 * Handles reach `reach` outwards and at most a quarter of the side inwards, so a small box can still be moved.
 */
export function partAt([x1, y1, x2, y2], [x, y], reach) {
  const inX = Math.min(reach, (x2 - x1) / 4);
  const inY = Math.min(reach, (y2 - y1) / 4);
  if (x < x1 - reach || x > x2 + reach || y < y1 - reach || y > y2 + reach) return null;
  const vertical = y >= y2 - inY ? "s" : y <= y1 + inY ? "n" : "";
  const horizontal = x >= x2 - inX ? "e" : x <= x1 + inX ? "w" : "";
  return vertical + horizontal || "move";
}

/**
 * The box after a drag by (dx, dy) of `part`, from the box at the drag's start. Stays in the picture; a side pulled
 * past the opposite one takes its place. Dragged sides land on whole pixels.
 */
export function dragged([x1, y1, x2, y2], part, [dx, dy], [height, width]) {
  if (part === "move") return moved([x1, y1, x2, y2], [Math.round(dx), Math.round(dy)], [height, width]);
  const toX = (x) => clamp(Math.round(x + dx), 0, width);
  const toY = (y) => clamp(Math.round(y + dy), 0, height);
  return normalise([
    part.includes("w") ? toX(x1) : x1,
    part.includes("n") ? toY(y1) : y1,
    part.includes("e") ? toX(x2) : x2,
    part.includes("s") ? toY(y2) : y2,
  ]);
}

/** The box moved as a whole, its size kept, stopped by the picture's edges. */
export function moved([x1, y1, x2, y2], [dx, dy], [height, width]) {
  const byX = clamp(dx, -x1, width - x2);
  const byY = clamp(dy, -y1, height - y2);
  return [x1 + byX, y1 + byY, x2 + byX, y2 + byY];
}

/** The box after a key: arrows move it by 1 px, with Alt they move its lower right corner; Shift makes it 10 px. */
export function stepped(box, { key, altKey, shiftKey }, [height, width]) {
  if (!(key in ARROWS)) return null;
  const [dx, dy] = ARROWS[key].map((d) => (shiftKey ? 10 * d : d));
  if (!altKey) return moved(box, [dx, dy], [height, width]);
  const [x1, y1, x2, y2] = box;
  return [x1, y1, clamp(x2 + dx, x1, width), clamp(y2 + dy, y1, height)];
}

/** A box in words, for those who hear it. */
export function boxInWords(box) {
  const [left, top, right, bottom] = box.map((side) => Number(side.toFixed(1)));
  return `left ${left}, top ${top}, right ${right}, bottom ${bottom}`;
}

// ---------------------------------------------------------------------------------------- geometry of the cross-hair

/** The centre of the pixel that a point hits; of the nearest pixel if it lies beside the picture. */
export function pixelCentre([x, y], [height, width]) {
  return [clamp(Math.floor(x), 0, width - 1) + 0.5, clamp(Math.floor(y), 0, height - 1) + 0.5];
}

/** Where the cross-hair goes with an arrow key, by 1 px, with Shift by 10 px, in the picture; null for another key. */
export function walked([x, y], { key, shiftKey }, hw) {
  if (!(key in ARROWS)) return null;
  const [dx, dy] = ARROWS[key].map((d) => (shiftKey ? 10 * d : d));
  return pixelCentre([x + dx, y + dy], hw);
}

function distance([x1, y1], [x2, y2]) {
  return Math.hypot(x1 - x2, y1 - y2);
}

// ----------------------------------------------------------------------------------------------- geometry of points

/** The index of the point next to a place, the last put of equally near ones; null if none is within `reach`. */
export function pointAt(points, place, reach) {
  let [best, nearest] = [null, reach];
  points.forEach((point, i) => {
    const away = distance(point, place);
    if (away <= nearest) [best, nearest] = [i, away];
  });
  return best;
}

/** The points with one more, at the centre of the pixel: `sign` 1 says on the object, 0 beside it. */
export function withPoint(points, place, sign, hw) {
  return [...points, [...pixelCentre(place, hw), sign]];
}

/** The points after one of them was dragged by (dx, dy). */
export function pointMoved(points, index, [dx, dy], hw) {
  const [x, y, sign] = points[index];
  return points.with(index, [...pixelCentre([x + dx, y + dy], hw), sign]);
}

/** The points and the cross-hair after a key; null for a key that says nothing here. */
export function clickKey(points, hand, event, hw) {
  const at = walked(hand.at, event, hw);
  if (at !== null) return { value: points, hand: { ...hand, at } };
  if (event.key === "Enter") return { value: withPoint(points, hand.at, event.shiftKey ? 0 : hand.sign, hw), hand };
  if (event.key === "Backspace" || event.key === "Delete") return { value: points.slice(0, -1), hand };
  return null;
}

// ---------------------------------------------------------------------------------------------- geometry of placing

/** The index of the box under a point: the smallest that holds it, else the smallest within `reach`, else null. */
export function boxAt(boxes, [x, y], reach) {
  for (const far of [0, reach]) {
    const held = boxes
      .map(([x1, y1, x2, y2], i) => ({ i, area: (x2 - x1) * (y2 - y1), box: [x1 - far, y1 - far, x2 + far, y2 + far] }))
      .filter(({ box: [x1, y1, x2, y2] }) => x >= x1 && x <= x2 && y >= y1 && y <= y2);
    if (held.length > 0) return held.reduce((best, one) => (one.area <= best.area ? one : best)).i;
  }
  return null;
}

/** The hand with one more state to take back; moves in a row that share `why` are taken back at once. */
export function remembered(hand, boxes, why) {
  if (hand.why === why) return hand;
  return { ...hand, why, past: [...hand.past, boxes].slice(-100) };
}

/** The boxes and the hand after a key: Tab and digits choose, arrows move, Backspace takes back; null for another. */
export function placeKey(boxes, hand, event, hw) {
  const choose = (chosen) => (chosen in boxes ? { value: boxes, hand: { ...hand, chosen, why: null } } : null);
  if (event.key === "Tab") return choose(hand.chosen + (event.shiftKey ? -1 : 1)); // past the last one, Tab leaves
  if (/^[1-9]$/.test(event.key)) return choose(Number(event.key) - 1);
  if (event.key === "Backspace" || event.key === "Delete") return takenBack(boxes, hand);
  const box = stepped(boxes[hand.chosen], { ...event, altKey: false }, hw);
  if (box === null) return null;
  return { value: boxes.with(hand.chosen, box), hand: remembered(hand, boxes, `keys ${hand.chosen}`) };
}

function takenBack(boxes, hand) {
  const now = JSON.stringify(boxes); // a press that moved nothing is no move
  const last = hand.past.findLastIndex((before) => JSON.stringify(before) !== now);
  return { value: hand.past[last] ?? boxes, hand: { ...hand, past: hand.past.slice(0, Math.max(last, 0)), why: null } };
}

// ---------------------------------------------------------------------------------------------- geometry of strokes

/** A place in the picture, to a tenth of a pixel: fine enough for a line, short enough to read. */
export function tenths([x, y], [height, width]) {
  return [clamp(Math.round(10 * x) / 10, 0, width - 0.1), clamp(Math.round(10 * y) / 10, 0, height - 0.1)];
}

/** The strokes with one more, begun at a place. */
export function begun(strokes, place, hw) {
  return [...strokes, [tenths(place, hw)]];
}

/** The strokes after the last one went on to a place, unless that is less than `apart` from where it stood. */
export function extended(strokes, place, apart, hw) {
  const stroke = strokes.at(-1);
  const next = tenths(place, hw);
  if (stroke === undefined || distance(stroke.at(-1), next) < Math.max(apart, 0.05)) return strokes;
  return strokes.with(-1, [...stroke, next]);
}

/** Whether a stroke is a closed shape: it ends where it began, with at least three corners. */
export function isClosed(stroke) {
  return stroke.length >= 4 && distance(stroke[0], stroke.at(-1)) === 0;
}

/** Whether a stroke came back to within `reach` of its beginning, after it had been twice as far away. */
export function comesBack(stroke, reach) {
  const away = stroke.map((point) => distance(stroke[0], point));
  return stroke.length >= 4 && away.at(-1) <= reach && Math.max(...away) > 2 * reach;
}

/** The strokes with the last one closed to a shape; as they were if that takes more corners. */
export function closed(strokes) {
  const stroke = strokes.at(-1) ?? [];
  if (stroke.length < 3 || isClosed(stroke)) return strokes;
  return strokes.with(-1, [...stroke, [...stroke[0]]]);
}

/** The strokes, the cross-hair and the pen after a key; null for a key that says nothing here. */
export function scribbleKey(strokes, hand, event, hw) {
  const down = hand.down && strokes.length > 0; // somebody else may have taken the stroke away
  const at = walked(hand.at, event, hw);
  if (at !== null) return { value: down ? extended(strokes, at, 0, hw) : strokes, hand: { ...hand, at, down } };
  const up = { ...hand, down: false };
  if (event.key === "Enter" && down) return { value: strokes, hand: up };
  if (event.key === "Enter") return { value: begun(strokes, hand.at, hw), hand: { ...hand, down: true } };
  if (event.key === "Backspace" || event.key === "Delete") return { value: strokes.slice(0, -1), hand: up };
  if (event.key.toLowerCase() === "c") return { value: closed(strokes), hand: up };
  return null;
}

/** Strokes in words, for those who hear them. */
export function strokesInWords(strokes) {
  const told = strokes.map((stroke, i) => {
    const [xs, ys] = [0, 1].map((axis) => stroke.map((point) => point[axis]));
    if (stroke.length === 1) return `${i + 1}, a point, x ${xs[0]}, y ${ys[0]}`;
    const kind = isClosed(stroke) ? "a closed shape" : "a line";
    const spans = [xs, ys].map((side) => `${Math.min(...side)} to ${Math.max(...side)}`);
    return `${i + 1}, ${kind} of ${stroke.length} points, x ${spans[0]}, y ${spans[1]}`;
  });
  return told.join("; ") || "none yet";
}

// --------------------------------------------------------------------------------------------------------- painting

function paintBox(pen, corners, style, label, room) {
  const [x1, y1, x2, y2] = corners.map(Math.round); // whole layout pixels: crisp lines
  pen.lineJoin = "round";
  pen.setLineDash([]);
  pen.strokeStyle = style.under;
  pen.lineWidth = 5.5;
  pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
  pen.setLineDash(style.dash);
  pen.strokeStyle = style.line;
  pen.lineWidth = 3;
  pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
  pen.setLineDash([]);

  const wh = [Math.ceil(pen.measureText(label).width) + 12, 20];
  const [x, y] = placeLabel([x1, y1, x2, y2], wh, room, style.label, style.gap);
  pen.fillStyle = style.line;
  pen.beginPath();
  pen.roundRect(x, y, wh[0], wh[1], 4);
  pen.fill();
  pen.strokeStyle = style.under;
  pen.lineWidth = 1;
  pen.stroke();
  pen.fillStyle = style.text;
  pen.fillText(label, x + 6, y + wh[1] / 2 + 0.5);
}

function paintHandles(pen, corners) {
  const [x1, y1, x2, y2] = corners.map(Math.round);
  const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const points = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
  if (x2 - x1 >= 48) points.push([cx, y1], [cx, y2]);
  if (y2 - y1 >= 48) points.push([x1, cy], [x2, cy]);
  pen.fillStyle = "#ffffff";
  pen.strokeStyle = LEARNER.line;
  pen.lineWidth = 2;
  for (const [x, y] of points) {
    pen.beginPath();
    pen.rect(x - 4, y - 4, 8, 8);
    pen.fill();
    pen.stroke();
  }
}

function paintPoint(pen, [x, y], sign) {
  pen.setLineDash([]);
  pen.fillStyle = sign ? LEARNER.line : BESIDE;
  pen.beginPath();
  pen.arc(x, y, 9, 0, 2 * Math.PI);
  pen.fill();
  pen.strokeStyle = "#222222";
  pen.lineWidth = 3.5;
  pen.stroke();
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 2;
  pen.stroke();
  pen.lineWidth = 2.5;
  pen.beginPath();
  pen.moveTo(x - 4.5, y);
  pen.lineTo(x + 4.5, y);
  if (sign) {
    pen.moveTo(x, y - 4.5);
    pen.lineTo(x, y + 4.5);
  }
  pen.stroke();
}

function paintCross(pen, place, down) {
  const [x, y] = place.map(Math.round);
  pen.setLineDash([]);
  pen.lineCap = "round";
  for (const [width, colour] of [[7, "#ffffff"], [3, "#000000"]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    for (const [dx, dy] of Object.values(ARROWS)) {
      pen.moveTo(x + 7 * dx, y + 7 * dy);
      pen.lineTo(x + 20 * dx, y + 20 * dy);
    }
    if (down) pen.rect(x - 1, y - 1, 2, 2);
    pen.stroke();
  }
  pen.lineCap = "butt";
}

function paintStroke(pen, stroke) {
  pen.setLineDash([]);
  if (stroke.length === 1) {
    pen.fillStyle = LEARNER.line;
    pen.strokeStyle = LEARNER.under;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(...stroke[0], 6, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
    return;
  }
  const path = new Path2D();
  stroke.forEach((point) => path.lineTo(...point));
  if (isClosed(stroke)) {
    path.closePath();
    pen.fillStyle = `${LEARNER.line}59`;
    pen.fill(path);
  }
  [pen.lineCap, pen.lineJoin] = ["round", "round"];
  for (const [width, colour] of [[7, LEARNER.under], [4, LEARNER.line]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke(path);
  }
  pen.lineCap = "butt";
}

// ------------------------------------------------------------------------------------------------------------ modes

const whole = ({ key, altKey, shiftKey }) => ({ key, altKey, shiftKey });
const shown = (point, scale) => [point[0] * scale, point[1] * scale];
const midst = (hw) => pixelCentre([hw[1] / 2, hw[0] / 2], hw);
const lifted = (value, hand) => ({ value, hand: "down" in hand ? { ...hand, down: false } : hand }); // a pen, if any
const takeBack = { label: "Take back", press: (value, hand) => lifted(value.slice(0, -1), hand) };
const clear = { label: "Clear", press: (value, hand) => lifted([], hand) };
const chooses = (label, sign) => ({
  label,
  press: (value, hand) => ({ value, hand: { ...hand, sign } }),
  on: (hand) => hand.sign === sign,
});
const lastOf = (words) => words.split("; ").at(-1).replace(/^(?!Your )/, "The last: ");
const crossInWords = ({ at }) => `Cross-hair at x ${at[0]}, y ${at[1]}`;

// grab: the part of the value under the pointer, or null.   press: what a press there makes of value and hand; null if
// nothing, else with the `part` that is then dragged.   drag: the value, from the one at the press and the one now.
// release: the value where a drag ends.   step: value and hand after a key, or null.   left: the hand once the focus is
// elsewhere.   words: the whole value.   told: what to say when it changed.   where: what to say if only the hand did.
export const MODES = {
  box: {
    trait: "box",
    role: "picture with a box to place",
    help: "Drag the box or a handle. Keys: arrows move it, Alt + arrows resize it, Shift by 10 px, Esc leaves.",
    hand: () => ({}),
    tools: [],
    grab: (box, point, reach) => partAt(box, point, reach),
    press: (box, part, point, { hand }) => (part === null ? null : { value: box, hand, part }),
    drag: dragged,
    release: (box) => box,
    step: (box, hand, event, hw) => {
      const value = stepped(box, event, hw);
      return value === null ? null : { value, hand };
    },
    cursor: (part) => (part === null ? "default" : part === "move" ? "move" : `${part}-resize`),
    words: (box) => `Your box: ${boxInWords(box)}`,
    told: (box) => MODES.box.words(box),
    where: () => "",
    left: (hand) => hand,
    paint: (pen, box, scale, room, { labels }) => {
      const corners = box.map((side) => side * scale);
      paintBox(pen, corners, LEARNER, labels[0], room);
      paintHandles(pen, corners);
    },
  },

  click: {
    trait: "points",
    twoSided: true, // the right button has a meaning of its own
    role: "picture to put points on",
    help:
      "Click on the object; with Shift or the right button, beside it; drag a point to move it. Keys: arrows move a " +
      "cross-hair, Shift by 10 px; Enter puts a point there, Shift + Enter one beside the object; Backspace takes " +
      "the last back; Esc leaves.",
    hand: (hw) => ({ at: midst(hw), sign: 1 }),
    tools: [chooses("+ on it", 1), chooses("\u2212 beside it", 0), takeBack, clear],
    grab: pointAt,
    press: (points, part, point, { hand, hw, beside }) => {
      const sign = beside ? 0 : hand.sign;
      const at = pixelCentre(point, hw);
      const held = { ...hand, at };
      if (part === null) return { value: withPoint(points, point, sign, hw), hand: held, part: points.length };
      const [x, y, old] = points[part];
      return { value: points.with(part, [x, y, beside ? 0 : old]), hand: held, part };
    },
    drag: (points, part, by, hw) => pointMoved(points, part, by, hw),
    release: (points) => points,
    step: (points, hand, event, hw) => clickKey(points, hand, whole(event), hw),
    cursor: (part) => (part === null ? "crosshair" : "move"),
    words: (points) => {
      const told = points.map(([x, y, sign], i) => `${i + 1}, ${sign ? "on" : "beside"} the object, x ${x}, y ${y}`);
      return `Your points: ${told.join("; ") || "none yet"}`;
    },
    told: (points) => lastOf(MODES.click.words(points)),
    where: crossInWords,
    left: (hand) => hand,
    paint: (pen, points, scale, room, { hand, focused }) => {
      for (const point of points) paintPoint(pen, shown(point, scale), point[2]);
      if (focused && hand.keys) paintCross(pen, shown(hand.at, scale), hand.down);
    },
  },

  place: {
    trait: "boxes",
    role: "picture with boxes to move",
    help:
      "Drag a box. Keys: Tab or a digit chooses one, arrows move it, Shift by 10 px; Backspace takes the last move " +
      "back; Esc leaves.",
    hand: () => ({ chosen: 0, past: [], why: null }),
    tools: [{ label: "Take back", press: takenBack }],
    grab: boxAt,
    press: (boxes, part, point, { hand }) => {
      if (part === null) return null;
      return { value: boxes, hand: { ...remembered({ ...hand, why: null }, boxes, "drag"), chosen: part }, part };
    },
    drag: (boxes, part, by, hw) => boxes.with(part, dragged(boxes[part], "move", by, hw)),
    release: (boxes) => boxes,
    step: (boxes, hand, event, hw) => placeKey(boxes, hand, whole(event), hw),
    cursor: (part) => (part === null ? "default" : "move"),
    words: (boxes, labels) =>
      `Your boxes: ${boxes.map((box, i) => `${i + 1}, ${labels[i]}, ${boxInWords(box)}`).join("; ")}`,
    told: (boxes, labels, { chosen }) => `${labels[chosen]}: ${boxInWords(boxes[chosen])}`,
    where: ({ chosen }, boxes, labels) => `${labels[chosen]} chosen: ${boxInWords(boxes[chosen])}`,
    left: (hand) => ({ ...hand, chosen: 0, why: null }), // so that Tab goes through all of them the next time too
    paint: (pen, boxes, scale, room, { labels, hand, focused }) => {
      const order = boxes.map((_, i) => i).filter((i) => i !== hand.chosen);
      for (const i of [...order, hand.chosen]) {
        const corners = boxes[i].map((side) => side * scale);
        const style = focused && i === hand.chosen ? CHOSEN : PLACED;
        paintBox(pen, corners, style, `${i + 1} ${labels[i]}`, room);
      }
    },
  },

  scribble: {
    trait: "strokes",
    role: "picture to draw on",
    help:
      "Press and draw; end at the beginning to close a shape; a click is a point. Keys: arrows move a cross-hair, " +
      "Shift by 10 px; Enter puts the pen down and lifts it, C closes the shape; Backspace takes the last stroke " +
      "back; Esc leaves.",
    hand: (hw) => ({ at: midst(hw), down: false }),
    tools: [
      { label: "Close the shape", press: (value, hand) => lifted(closed(value), hand) },
      takeBack,
      clear,
    ],
    grab: () => null,
    press: (strokes, part, point, { hand, hw }) => {
      const value = begun(strokes, point, hw);
      return { value, hand: { ...hand, down: false, at: pixelCentre(point, hw) }, part: strokes.length };
    },
    drag: (strokes, part, by, hw, { now, point, pixel }) => extended(now, point, 2 * pixel, hw),
    release: (strokes, reach) => (comesBack(strokes.at(-1) ?? [], reach) ? closed(strokes) : strokes),
    step: (strokes, hand, event, hw) => scribbleKey(strokes, hand, whole(event), hw),
    cursor: () => "crosshair",
    words: (strokes) => `Your strokes: ${strokesInWords(strokes)}`,
    told: (strokes) => lastOf(MODES.scribble.words(strokes)),
    where: (hand) => `${crossInWords(hand)}, pen ${hand.down ? "down" : "up"}`,
    left: (hand) => ({ ...hand, down: false }),
    paint: (pen, strokes, scale, room, { hand, focused }) => {
      for (const stroke of strokes) paintStroke(pen, stroke.map((point) => shown(point, scale)));
      if (focused && hand.keys) paintCross(pen, shown(hand.at, scale), hand.down);
    },
  },
};

// --------------------------------------------------------------------------------------------------------- the view

function element(tag, className, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function render({ model, el }) {
  const mode = MODES[model.get("mode")];
  const hw = model.get("image_hw");
  const id = `gk-${Math.random().toString(36).slice(2)}`;
  const lab = element("div", "gk-lab");
  const title = element("p", "gk-title");
  const canvas = element("canvas", "gk-canvas", {
    tabindex: 0,
    // "application", not "img": it takes the arrow keys, so screen readers must hand them over instead of reading on.
    role: "application",
    "aria-roledescription": mode.role,
    "aria-describedby": id,
  });
  const tools = element("div", "gk-tools", { role: "group", "aria-label": "Tools of the picture" });
  const note = element("p", "gk-note");
  const help = element("p", "gk-help", { id });
  const facts = element("span", "gk-heard");
  const status = element("p", "gk-heard", { role: "status" });
  canvas.style.width = `${shownWidth(hw)}px`;
  canvas.style.aspectRatio = `${hw[1]} / ${hw[0]}`;
  help.append(mode.help, facts);
  lab.append(title, canvas, ...(mode.tools.length > 0 ? [tools] : []), note, help, status);
  el.append(lab);

  const pen = canvas.getContext("2d");
  let bitmap = null;
  let grip = null; // {part, from, value, pointerId} while dragging
  let hand = mode.hand(hw);
  let speaking = 0;
  let loads = 0;

  function draw() {
    const value = model.get(mode.trait);
    const labels = model.get("labels");
    const task = model.get("title").replace(/[^.?!]$/, "$&.");
    canvas.setAttribute("aria-label", `${task} ${mode.words(value, labels)}`.trim());
    const rect = canvas.getBoundingClientRect();
    if (rect.width === 0) return; // in a hidden tab
    const dots = [rect.width, rect.height].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== dots[0] || canvas.height !== dots[1]) [canvas.width, canvas.height] = dots;
    const room = [canvas.clientWidth, canvas.clientHeight];
    const scale = room[0] / hw[1];
    pen.setTransform(dots[0] / room[0], 0, 0, dots[1] / room[1], 0, 0);
    pen.clearRect(0, 0, ...room);
    pen.imageSmoothingEnabled = scale < 2; // a few large pixels are shown as the squares they are
    pen.imageSmoothingQuality = "high";
    if (bitmap) pen.drawImage(bitmap, 0, 0, ...room);
    pen.font = `600 12px ${getComputedStyle(lab).fontFamily}`;
    pen.textBaseline = "middle";
    const truths = model.get("truth_labels");
    model.get("truth").forEach((box, i) => {
      paintBox(pen, box.map((side) => side * scale), TRUTH, truths[i], room);
    });
    const focused = canvas.getRootNode().activeElement === canvas;
    mode.paint(pen, value, scale, room, { labels, hand, focused });
  }

  function write() {
    title.textContent = model.get("title");
    const [verdict, ...numbers] = model.get("note").split("\n");
    const bold = element("strong", "");
    bold.textContent = verdict;
    note.replaceChildren(bold, ["", ...numbers].join("\n"));
    // Between a drag and Python's answer the note speaks of another value: it fades unless the answer comes soon.
    const stale = JSON.stringify(model.get("note_of")) !== JSON.stringify(model.get(mode.trait));
    note.classList.toggle("gk-stale", stale);
    const labels = model.get("truth_labels");
    const truths = model.get("truth").map((box, i) => ` ${labels[i]}: ${boxInWords(box)}.`);
    facts.textContent = ` The picture is ${hw[1]} px wide and ${hw[0]} px high.${truths.join("")}`;
  }

  function update() {
    draw();
    write();
  }

  async function load() {
    loads += 1;
    const mine = loads;
    const next = await createImageBitmap(new Blob([model.get("picture")]));
    if (mine !== loads) return next.close(); // a newer one is on its way or already here
    bitmap?.close();
    bitmap = next;
    draw();
  }

  function edit(next, nextHand = hand) {
    const moved = JSON.stringify(nextHand) !== JSON.stringify(hand);
    const changed = JSON.stringify(next) !== JSON.stringify(model.get(mode.trait));
    hand = nextHand;
    if (changed) {
      model.set(mode.trait, next);
      model.save_changes();
      announce();
    } else if (moved) {
      draw();
      announce(() => mode.where(hand, next, model.get("labels")));
    }
    if (moved) markTools();
  }

  function state() {
    const stale = note.classList.contains("gk-stale");
    return `${mode.told(model.get(mode.trait), model.get("labels"), hand)}. ${stale ? "" : note.textContent}`;
  }

  function announce(words = state) {
    clearTimeout(speaking); // say where it came to rest, not every pixel on the way
    speaking = setTimeout(() => {
      status.textContent = words();
    }, 500);
  }

  const buttons = mode.tools.map((tool) => {
    const button = element("button", "gk-tool", { type: "button" });
    button.textContent = tool.label;
    button.addEventListener("click", () => {
      const { value, hand: nextHand } = tool.press(model.get(mode.trait), hand);
      edit(value, nextHand);
    });
    return button;
  });
  tools.append(...buttons);

  function markTools() {
    mode.tools.forEach((tool, i) => {
      if (tool.on) buttons[i].setAttribute("aria-pressed", tool.on(hand));
    });
  }

  const at = (event) => toPicture(event.clientX, event.clientY, canvas.getBoundingClientRect(), hw);
  const pixel = () => hw[1] / canvas.clientWidth; // image pixels in a layout pixel
  const reach = (event) => (event.pointerType === "touch" ? 22 : 10) * pixel(); // a fingertip is wider than an arrow
  const under = (event) => mode.grab(model.get(mode.trait), at(event), reach(event));

  canvas.addEventListener("pointerdown", (event) => {
    const other = event.button === 2 || (event.button === 0 && event.ctrlKey); // on a Mac, Ctrl + click
    if (!event.isPrimary || !(event.button === 0 || (other && mode.twoSided))) return;
    const held = { ...hand, keys: false };
    const beside = other || event.shiftKey;
    const pressed = mode.press(model.get(mode.trait), under(event), at(event), { hand: held, hw, beside });
    if (pressed === null) return;
    edit(pressed.value, pressed.hand);
    grip = { part: pressed.part, from: at(event), value: pressed.value, pointerId: event.pointerId };
    canvas.setPointerCapture(event.pointerId);
    event.stopPropagation();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (grip === null) {
      canvas.style.cursor = mode.cursor(under(event));
    } else if (event.pointerId === grip.pointerId) {
      const point = at(event);
      const by = [point[0] - grip.from[0], point[1] - grip.from[1]];
      edit(mode.drag(grip.value, grip.part, by, hw, { now: model.get(mode.trait), point, pixel: pixel() }));
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== grip?.pointerId) return;
      grip = null;
      edit(mode.release(model.get(mode.trait), reach(event)));
    });
  }
  canvas.addEventListener("contextmenu", (event) => {
    if (!mode.twoSided) return;
    event.preventDefault();
    event.stopPropagation();
  });

  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      canvas.parentElement.closest("[tabindex]")?.focus(); // the cell or notebook around it
      canvas.blur();
    }
    if (event.key === "Escape" || event.ctrlKey || event.metaKey) return;
    const next = mode.step(model.get(mode.trait), { ...hand, keys: true }, event, hw);
    if (event.key === "Tab" && next === null) return;
    event.stopPropagation(); // in JupyterLab's command mode single letters cut and delete cells
    if (next === null && event.key !== " ") return;
    event.preventDefault(); // neither scroll nor go back in the history
    if (next !== null) edit(next.value, next.hand);
  });
  tools.addEventListener("keydown", (event) => {
    if (!["Tab", "Escape"].includes(event.key) && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  canvas.addEventListener("focus", () => {
    hand = { ...hand, keys: canvas.matches(":focus-visible") };
    draw();
  });
  canvas.addEventListener("blur", () => {
    if (canvas.getRootNode().activeElement === canvas) return; // the window lost it, not the canvas
    hand = { ...mode.left(hand), keys: false };
    draw();
  });

  const names = [mode.trait, "labels", "truth", "truth_labels", "title", "note", "note_of"];
  const traits = names.map((name) => `change:${name}`);
  const noted = () => announce();
  const resized = new ResizeObserver(draw);
  resized.observe(canvas);
  window.addEventListener("resize", draw); // the browser's zoom changes the pixel ratio, not the layout size
  for (const change of traits) model.on(change, update);
  model.on("change:picture", load);
  model.on("change:note", noted); // what Python says may change beside a still box
  markTools();
  update();
  load();
  return () => {
    clearTimeout(speaking);
    loads += 1; // what is still being decoded comes too late
    resized.disconnect();
    window.removeEventListener("resize", draw);
    for (const change of traits) model.off(change, update);
    model.off("change:picture", load);
    model.off("change:note", noted);
  };
}

export default { render };
