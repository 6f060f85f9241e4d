// The geometry of the labs' canvas, without a browser: `node --test tests/canvas.test.mjs`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// A .js file beside a Python package has no package.json that calls it a module: load it as one by its text.
const source = readFileSync(new URL("../gk_utils/labs/static/canvas.js", import.meta.url), "utf8");
const canvas = await import("data:text/javascript," + encodeURIComponent(source));
const { boxInWords, dragged, moved, MODES, normalise, partAt, placeLabel, shownWidth, stepped, toPicture } = canvas;
const { boxAt, clickKey, pixelCentre, placeKey, pointAt, pointMoved, remembered, walked, withPoint } = canvas;
const { begun, closed, comesBack, extended, isClosed, scribbleKey, strokesInWords, tenths } = canvas;

const HW = [200, 300];
const BOX = [40, 40, 160, 120];

/** Numbers that repeat: a small linear congruential generator. */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomBox(next) {
  return normalise([next(301), next(201), next(301), next(201)]);
}

function assertInside(box, what) {
  const [x1, y1, x2, y2] = box;
  assert.ok(0 <= x1 && x1 <= x2 && x2 <= HW[1] && 0 <= y1 && y1 <= y2 && y2 <= HW[0], `${what}: ${box}`);
}

test("shownWidth: small pictures grow, large ones shrink, the tall ones by their height", () => {
  assert.equal(shownWidth([64, 64], [560, 400]), 400);
  assert.equal(shownWidth([1000, 2000], [560, 400]), 560);
  assert.equal(shownWidth([2000, 1000], [560, 400]), 200);
});

test("toPicture: only ratios count, so zoom cancels", () => {
  const rect = { left: 100, top: 50, width: 600, height: 400 };
  assert.deepEqual(toPicture(100, 50, rect, HW), [0, 0]);
  assert.deepEqual(toPicture(700, 450, rect, HW), [300, 200]);
  const zoomed = { left: 150, top: 75, width: 900, height: 600 };
  assert.deepEqual(toPicture(1.5 * 260, 1.5 * 130, zoomed, HW), toPicture(260, 130, rect, HW));
});

test("placeLabel: above its left corner, below its right one, inside where the room ends", () => {
  const wh = [50, 20];
  assert.deepEqual(placeLabel(BOX, wh, [300, 200], "above", 8), [40, 12]);
  assert.deepEqual(placeLabel(BOX, wh, [300, 200], "below", 8), [110, 128]);
  assert.deepEqual(placeLabel([40, 10, 160, 120], wh, [300, 200], "above", 8), [48, 18]);
  assert.deepEqual(placeLabel([40, 40, 160, 190], wh, [300, 200], "below", 8), [102, 162]);
  const next = numbers(1);
  for (let i = 0; i < 500; i += 1) {
    for (const where of ["above", "below"]) {
      const [x, y] = placeLabel(randomBox(next), wh, [300, 200], where, 8);
      assert.ok(0 <= x && x <= 250 && 0 <= y && y <= 180, `${x}, ${y}`);
    }
  }
});

test("partAt: eight handles, the inside, and nothing", () => {
  const expected = {
    nw: [40, 40], n: [100, 41], ne: [161, 39], e: [158, 80], se: [166, 126], s: [100, 120], sw: [40, 120], w: [36, 80],
    move: [100, 80],
  };
  for (const [part, point] of Object.entries(expected)) assert.equal(partAt(BOX, point, 8), part, `${point}`);
  for (const point of [[10, 10], [100, 20], [100, 140], [20, 80], [180, 80]]) assert.equal(partAt(BOX, point, 8), null);
});

test("partAt: the middle of any box with an area moves it, however small", () => {
  const next = numbers(2);
  for (let i = 0; i < 500; i += 1) {
    const [x1, y1, x2, y2] = randomBox(next);
    const part = partAt([x1, y1, x2, y2], [(x1 + x2) / 2, (y1 + y2) / 2], 22);
    if (x2 > x1 && y2 > y1) assert.equal(part, "move");
    else assert.notEqual(part, null); // a box without area still has a handle to pull
  }
});

test("dragged: corners and edges, by hand", () => {
  assert.deepEqual(dragged(BOX, "se", [80, 40], HW), [40, 40, 240, 160]);
  assert.deepEqual(dragged(BOX, "nw", [-15.4, 5.6], HW), [25, 46, 160, 120]);
  assert.deepEqual(dragged(BOX, "e", [30, 99], HW), [40, 40, 190, 120]);
  assert.deepEqual(dragged(BOX, "n", [99, -10], HW), [40, 30, 160, 120]);
  assert.deepEqual(dragged(BOX, "move", [10.4, -3.6], HW), [50, 36, 170, 116]);
});

test("dragged: stops at the picture, turns over past the opposite side, and comes back without drift", () => {
  assert.deepEqual(dragged(BOX, "se", [999, -5], HW), [40, 40, 300, 115]);
  assert.deepEqual(dragged(BOX, "se", [-150, -100], HW), [10, 20, 40, 40]);
  assert.deepEqual(dragged(BOX, "move", [-999, 999], HW), [0, 120, 120, 200]);
  for (const part of ["nw", "n", "ne", "e", "se", "s", "sw", "w", "move"]) {
    assert.deepEqual(dragged(BOX, part, [0, 0], HW), BOX);
  }
});

test("dragged, moved, stepped: always in order and inside the picture", () => {
  const next = numbers(3);
  const parts = ["nw", "n", "ne", "e", "se", "s", "sw", "w", "move"];
  const keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  for (let i = 0; i < 2000; i += 1) {
    const box = randomBox(next);
    const by = [next(1000) / 1.7 - 300, next(1000) / 1.7 - 300];
    assertInside(dragged(box, parts[next(9)], by, HW), "dragged");
    const after = moved(box, by, HW);
    assertInside(after.map(Math.round), "moved");
    assert.ok(Math.abs(after[2] - after[0] - (box[2] - box[0])) < 1e-9, "moved: same width");
    const event = { key: keys[next(4)], altKey: next(2) === 1, shiftKey: next(2) === 1 };
    assertInside(stepped(box, event, HW), "stepped");
  }
});

test("stepped: arrows move, Alt resizes, Shift takes ten, other keys are none of its business", () => {
  const key = (name, altKey = false, shiftKey = false) => ({ key: name, altKey, shiftKey });
  assert.deepEqual(stepped(BOX, key("ArrowLeft"), HW), [39, 40, 159, 120]);
  assert.deepEqual(stepped(BOX, key("ArrowDown", false, true), HW), [40, 50, 160, 130]);
  assert.deepEqual(stepped(BOX, key("ArrowRight", true), HW), [40, 40, 161, 120]);
  assert.deepEqual(stepped(BOX, key("ArrowUp", true, true), HW), [40, 40, 160, 110]);
  assert.deepEqual(stepped([0, 0, 5, 5], key("ArrowLeft", true, true), HW), [0, 0, 0, 5]); // does not turn over
  assert.equal(stepped(BOX, key("d"), HW), null);
});

test("boxInWords: no more decimals than anyone can hear", () => {
  assert.equal(boxInWords(BOX), "left 40, top 40, right 160, bottom 120");
  assert.equal(boxInWords([0.1234, 1, 2.96, 4]), "left 0.1, top 1, right 3, bottom 4");
});

// ------------------------------------------------------------------------------------------- points: the mode "click"

const key = (name, shiftKey = false) => ({ key: name, altKey: false, shiftKey });
const POINTS = [[10.5, 20.5, 1], [100.5, 20.5, 0]];

test("pixelCentre: the pixel that is hit, the nearest one beside the picture", () => {
  assert.deepEqual(pixelCentre([10, 20.99], HW), [10.5, 20.5]);
  assert.deepEqual(pixelCentre([0, 0], HW), [0.5, 0.5]);
  assert.deepEqual(pixelCentre([300, 200], HW), [299.5, 199.5]);
  assert.deepEqual(pixelCentre([-7, 900], HW), [0.5, 199.5]);
  const next = numbers(4);
  for (let i = 0; i < 500; i += 1) {
    const at = [next(4000) / 10 - 50, next(3000) / 10 - 50];
    const [x, y] = pixelCentre(at, HW);
    assert.ok(x > 0 && x < 300 && y > 0 && y < 200 && x % 1 === 0.5 && y % 1 === 0.5);
    if (at[0] >= 0 && at[0] < 300) assert.equal(Math.floor(x), Math.floor(at[0]));
    assert.deepEqual(pixelCentre([x, y], HW), [x, y]);
  }
});

test("walked: arrows by one pixel, with Shift by ten, never out of the picture", () => {
  assert.deepEqual(walked([10.5, 20.5], key("ArrowRight"), HW), [11.5, 20.5]);
  assert.deepEqual(walked([10.5, 20.5], key("ArrowUp", true), HW), [10.5, 10.5]);
  assert.deepEqual(walked([3.5, 20.5], key("ArrowLeft", true), HW), [0.5, 20.5]);
  assert.deepEqual(walked([299.5, 199.5], key("ArrowDown"), HW), [299.5, 199.5]);
  assert.equal(walked([3.5, 20.5], key("a"), HW), null);
});

test("pointAt: the nearest one within reach, of two in one place the last", () => {
  assert.equal(pointAt(POINTS, [12, 22], 8), 0);
  assert.equal(pointAt(POINTS, [60, 20.5], 60), 1);
  assert.equal(pointAt(POINTS, [50, 20.5], 60), 0);
  assert.equal(pointAt(POINTS, [50, 100], 8), null);
  assert.equal(pointAt([POINTS[0], POINTS[0]], [10, 20], 8), 1);
  assert.equal(pointAt([], [10, 20], 8), null);
});

test("withPoint, pointMoved: new lists, the old ones stay", () => {
  assert.deepEqual(withPoint(POINTS, [7.2, 8.9], 0, HW), [...POINTS, [7.5, 8.5, 0]]);
  assert.deepEqual(pointMoved(POINTS, 1, [5.2, -900], HW), [POINTS[0], [105.5, 0.5, 0]]);
  assert.deepEqual(pointMoved(POINTS, 0, [0, 0], HW), POINTS);
  assert.deepEqual(POINTS, [[10.5, 20.5, 1], [100.5, 20.5, 0]]);
});

test("clickKey: walks, puts, takes back", () => {
  const hand = { at: [50.5, 60.5], sign: 1 };
  const walk = clickKey(POINTS, hand, key("ArrowLeft"), HW);
  assert.deepEqual(walk, { value: POINTS, hand: { ...hand, at: [49.5, 60.5] } });
  assert.deepEqual(clickKey([], hand, key("Enter"), HW).value, [[50.5, 60.5, 1]]);
  assert.deepEqual(clickKey([], hand, key("Enter", true), HW).value, [[50.5, 60.5, 0]]);
  assert.deepEqual(clickKey([], { ...hand, sign: 0 }, key("Enter"), HW).value, [[50.5, 60.5, 0]]);
  assert.deepEqual(clickKey(POINTS, hand, key("Backspace"), HW).value, [POINTS[0]]);
  assert.deepEqual(clickKey([], hand, key("Backspace"), HW).value, []);
  assert.equal(clickKey(POINTS, hand, key("Tab"), HW), null);
  assert.equal(clickKey(POINTS, hand, key("d"), HW), null);
});

test("click: a press puts a point, on one it takes hold of it, Shift makes that one a point beside", () => {
  const { press, drag } = MODES.click;
  const view = { hand: MODES.click.hand(HW), hw: HW, beside: false };
  assert.deepEqual(view.hand, { at: [150.5, 100.5], sign: 1 });
  const put = press(POINTS, null, [30.2, 40.7], view);
  assert.deepEqual([put.value, put.part, put.hand.at], [[...POINTS, [30.5, 40.5, 1]], 2, [30.5, 40.5]]);
  assert.deepEqual(press([], null, [30.2, 40.7], { ...view, beside: true }).value, [[30.5, 40.5, 0]]);
  assert.deepEqual(press([], null, [30.2, 40.7], { ...view, hand: { sign: 0 } }).value, [[30.5, 40.5, 0]]);
  assert.deepEqual(press(POINTS, 0, [11, 21], view).value, POINTS);
  assert.deepEqual(press(POINTS, 0, [11, 21], { ...view, beside: true }).value, [[10.5, 20.5, 0], POINTS[1]]);
  assert.deepEqual(drag(put.value, 2, [1, 1], HW).at(-1), [31.5, 41.5, 1]);
});

// -------------------------------------------------------------------------------------------- boxes: the mode "place"

const BOXES = [[40, 40, 160, 120], [60, 60, 80, 80], [200, 40, 240, 80]];

test("boxAt: the smallest that holds the point, else one within reach", () => {
  assert.equal(boxAt(BOXES, [70, 70], 8), 1);
  assert.equal(boxAt(BOXES, [50, 50], 8), 0);
  assert.equal(boxAt(BOXES, [58, 70], 8), 0); // inside the large one: it comes before the small one that is near
  assert.equal(boxAt(BOXES, [245, 70], 8), 2);
  assert.equal(boxAt(BOXES, [260, 70], 8), null);
  assert.equal(boxAt([BOXES[0], BOXES[0]], [50, 50], 8), 1); // the one drawn last
});

test("placeKey: Tab goes through the boxes and then leaves, digits choose, arrows move", () => {
  const hand = MODES.place.hand();
  const chosen = (from, event) => placeKey(BOXES, { ...hand, chosen: from }, event, HW)?.hand.chosen ?? null;
  assert.deepEqual([0, 1, 2].map((from) => chosen(from, key("Tab"))), [1, 2, null]);
  assert.deepEqual([2, 1, 0].map((from) => chosen(from, key("Tab", true))), [1, 0, null]);
  assert.deepEqual(["1", "3", "4", "0", "x"].map((name) => chosen(1, key(name))), [0, 2, null, null, null]);
  const moved = placeKey(BOXES, { ...hand, chosen: 2 }, key("ArrowLeft", true), HW);
  assert.deepEqual(moved.value, [BOXES[0], BOXES[1], [190, 40, 230, 80]]);
  const alt = placeKey(BOXES, hand, { ...key("ArrowDown"), altKey: true }, HW);
  assert.deepEqual(alt.value[0], [40, 41, 160, 121]); // sizes stay
});

test("placeKey: Backspace takes back a run of keys, a drag, and then nothing", () => {
  let state = { value: BOXES, hand: MODES.place.hand() };
  const press = (event) => { state = placeKey(state.value, state.hand, event, HW); };
  press(key("ArrowRight"));
  press(key("ArrowRight"));
  const { hand } = MODES.place.press(state.value, 2, [210, 50], { hand: state.hand });
  state = { value: MODES.place.drag(state.value, 2, [10, 0], HW), hand };
  assert.deepEqual(state.value, [[42, 40, 162, 120], BOXES[1], [210, 40, 250, 80]]);
  state = { ...state, hand: MODES.place.press(state.value, 0, [50, 50], { hand: state.hand }).hand }; // moves nothing
  press(key("Backspace"));
  assert.deepEqual(state.value, [[42, 40, 162, 120], BOXES[1], BOXES[2]]);
  press(key("Backspace"));
  assert.deepEqual(state.value, BOXES);
  press(key("Backspace"));
  assert.deepEqual(state.value, BOXES);
});

test("remembered: one state for a run of moves, a hundred at most", () => {
  let hand = MODES.place.hand();
  for (let i = 0; i < 300; i += 1) hand = remembered(hand, [[i, 0, i, 0]], i);
  assert.deepEqual([hand.past.length, hand.past[0][0][0], hand.past.at(-1)[0][0]], [100, 200, 299]);
  assert.equal(remembered(hand, [[0, 0, 0, 0]], 299), hand);
});

test("place: dragged boxes keep their size and stay in the picture; beside them a press does nothing", () => {
  const next = numbers(5);
  for (let i = 0; i < 500; i += 1) {
    const boxes = [randomBox(next), randomBox(next)];
    const [still, box] = MODES.place.drag(boxes, 1, [next(800) / 1.3 - 300, next(800) / 1.3 - 300], HW);
    assert.deepEqual(still, boxes[0]);
    assertInside(box, "place");
    assert.deepEqual([box[2] - box[0], box[3] - box[1]], [boxes[1][2] - boxes[1][0], boxes[1][3] - boxes[1][1]]);
  }
  assert.equal(MODES.place.press(BOXES, null, [0, 0], { hand: MODES.place.hand() }), null);
});

// ---------------------------------------------------------------------------------------- strokes: the mode "scribble"

const SQUARE = [[10, 10], [60, 10], [60, 60], [10, 60]];

test("tenths: in the picture, and no longer to write than it must be", () => {
  assert.deepEqual(tenths([10.26, 20.04], HW), [10.3, 20]);
  assert.deepEqual(tenths([-5, 900], HW), [0, 199.9]);
  assert.deepEqual(tenths([300, 0], HW), [299.9, 0]);
});

test("begun, extended: the last stroke grows, by steps that can be told apart", () => {
  const one = begun([SQUARE], [5, 5], HW);
  assert.deepEqual(one, [SQUARE, [[5, 5]]]);
  assert.deepEqual(extended(one, [8, 5.04], 2, HW), [SQUARE, [[5, 5], [8, 5]]]);
  assert.equal(extended(one, [6, 5], 2, HW), one);
  assert.equal(extended(one, [5, 5], 0, HW), one);
  assert.deepEqual(extended([], [5, 5], 0, HW), []);
  assert.deepEqual(SQUARE.length, 4);
});

test("isClosed, comesBack, closed: a shape has three corners and ends where it began", () => {
  assert.ok(!isClosed(SQUARE) && isClosed([...SQUARE, [10, 10]]) && !isClosed([[1, 1], [2, 2], [1, 1]]));
  assert.deepEqual(closed([SQUARE]), [[...SQUARE, [10, 10]]]);
  const shape = closed([SQUARE]);
  assert.equal(closed(shape), shape);
  assert.deepEqual(closed([[[1, 1], [5, 5]]]), [[[1, 1], [5, 5]]]);
  assert.deepEqual(closed([]), []);
  assert.ok(comesBack([...SQUARE, [10, 15]], 8));
  assert.ok(!comesBack(SQUARE, 8)); // too far from its beginning
  assert.ok(!comesBack([[10, 10], [12, 10], [12, 12], [10, 12]], 8)); // never left it
  assert.ok(!comesBack([], 8));
});

test("scribble: press, draw, release; back at the beginning it closes, a click is a point", () => {
  const { press, drag, release } = MODES.scribble;
  const view = { hand: MODES.scribble.hand(HW), hw: HW };
  const draw = (points) => {
    const { value: start, part } = press([], null, points[0], view);
    let now = start;
    for (const point of points.slice(1)) now = drag(start, part, null, HW, { now, point, pixel: 0.5 });
    return release(now, 8);
  };
  assert.deepEqual(draw([[5, 5]]), [[[5, 5]]]);
  assert.deepEqual(draw([[5, 5], [5.5, 5], [20, 5]]), [[[5, 5], [20, 5]]]);
  assert.deepEqual(draw([...SQUARE, [12, 13]]), [[...SQUARE, [12, 13], [10, 10]]]);
  assert.deepEqual(draw([[5, 5], [-90, 500]]), [[[5, 5], [0, 199.9]]]);
});

test("scribbleKey: Enter puts the pen down and lifts it, arrows draw, C closes, Backspace takes back", () => {
  let state = { value: [], hand: { ...MODES.scribble.hand(HW), at: [50.5, 60.5] } };
  const press = (...names) => {
    for (const name of names) state = scribbleKey(state.value, state.hand, key(...[name].flat()), HW);
  };
  press("ArrowRight", "Enter", ["ArrowRight", true], ["ArrowDown", true], ["ArrowLeft", true]);
  assert.deepEqual(state.value, [[[51.5, 60.5], [61.5, 60.5], [61.5, 70.5], [51.5, 70.5]]]);
  press("c", "ArrowUp", "Enter", "Enter");
  assert.ok(isClosed(state.value[0]));
  assert.deepEqual([state.value[1], state.hand.down], [[[51.5, 69.5]], false]);
  press("Backspace", "Enter", "Backspace", "ArrowUp");
  assert.deepEqual([state.value.length, state.hand.down], [1, false]);
  assert.equal(scribbleKey([], state.hand, key("Tab"), HW), null);
  // Somebody cleared the strokes while the pen was down: no stroke is left to go on with.
  assert.deepEqual(scribbleKey([], { at: [5.5, 5.5], down: true }, key("ArrowUp"), HW).value, []);
});

test("strokesInWords: what each is and what it spans", () => {
  assert.equal(strokesInWords([]), "none yet");
  assert.equal(
    strokesInWords([[[1, 2]], [[3, 4], [9, 5]], closed([SQUARE])[0]]),
    "1, a point, x 1, y 2; 2, a line of 2 points, x 3 to 9, y 4 to 5; " +
      "3, a closed shape of 5 points, x 10 to 60, y 10 to 60",
  );
});

// ---------------------------------------------------------------------------------------------------------- all modes

const VALUES = { box: BOX, click: POINTS, place: BOXES, scribble: [SQUARE, [[5, 5]]] };
const LABELS = ["mug", "cat", "plate"];

test("MODES: every mode has what render asks of it", () => {
  assert.deepEqual(Object.keys(MODES), ["box", "click", "place", "scribble"]);
  const functions = ["hand", "grab", "press", "drag", "release", "step", "cursor", "words", "told", "where", "left"];
  for (const mode of Object.values(MODES)) {
    for (const name of [...functions, "paint"]) assert.equal(typeof mode[name], "function");
    for (const name of ["trait", "role", "help"]) assert.equal(typeof mode[name], "string");
    for (const { label, press } of mode.tools) assert.deepEqual([typeof label, typeof press], ["string", "function"]);
  }
  assert.equal(MODES.box.cursor("nw"), "nw-resize");
  assert.equal(MODES.box.cursor("move"), "move");
  assert.equal(MODES.box.cursor(null), "default");
});

test("MODES: letters of the notebook are none of their business, and nothing is changed in place", () => {
  for (const [name, mode] of Object.entries(MODES)) {
    const before = JSON.stringify(VALUES[name]);
    for (const letter of ["d", "x", "b", "m", " ", "PageDown"]) {
      assert.equal(mode.step(VALUES[name], mode.hand(HW), key(letter), HW), null, `${name}: ${letter}`);
    }
    for (const each of ["ArrowUp", "Enter", "Backspace", "c", "Tab", "2"]) {
      mode.step(VALUES[name], mode.hand(HW), key(each), HW);
    }
    for (const tool of mode.tools) tool.press(VALUES[name], mode.hand(HW));
    assert.equal(JSON.stringify(VALUES[name]), before, name);
  }
});

test("MODES: words for the ear", () => {
  const said = (name, what, ...more) => MODES[name][what](...more);
  assert.equal(said("click", "words", []), "Your points: none yet");
  assert.equal(said("click", "told", POINTS), "The last: 2, beside the object, x 100.5, y 20.5");
  assert.equal(said("click", "told", []), "Your points: none yet");
  assert.equal(said("click", "where", { at: [1.5, 2.5] }), "Cross-hair at x 1.5, y 2.5");
  assert.equal(
    said("place", "words", BOXES.slice(0, 2), LABELS),
    "Your boxes: 1, mug, left 40, top 40, right 160, bottom 120; 2, cat, left 60, top 60, right 80, bottom 80",
  );
  assert.equal(said("place", "told", BOXES, LABELS, { chosen: 1 }), "cat: left 60, top 60, right 80, bottom 80");
  assert.equal(said("scribble", "told", VALUES.scribble), "The last: 2, a point, x 5, y 5");
  assert.equal(said("scribble", "where", { at: [1.5, 2.5], down: true }), "Cross-hair at x 1.5, y 2.5, pen down");
});

test("MODES: tools choose a sign, close, take back and clear", () => {
  const press = (name, label, value, hand = MODES[name].hand(HW)) =>
    MODES[name].tools.find((tool) => tool.label === label).press(value, hand);
  assert.equal(press("click", "\u2212 beside it", POINTS).hand.sign, 0);
  assert.deepEqual(press("click", "Take back", POINTS).value, [POINTS[0]]);
  assert.deepEqual(press("click", "Clear", POINTS).value, []);
  assert.deepEqual(press("scribble", "Close the shape", [SQUARE], { down: true }), {
    value: closed([SQUARE]),
    hand: { down: false },
  });
  assert.deepEqual(press("place", "Take back", BOXES).value, BOXES);
  assert.deepEqual(MODES.scribble.left({ down: true }), { down: false });
  assert.equal(MODES.place.left({ chosen: 2, past: [BOXES] }).chosen, 0);
});
