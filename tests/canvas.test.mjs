// The geometry of the labs' canvas, without a browser: `node --test tests/canvas.test.mjs`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// A .js file beside a Python package has no package.json that calls it a module: load it as one by its text.
const source = readFileSync(new URL("../gk_utils/labs/static/canvas.js", import.meta.url), "utf8");
const canvas = await import("data:text/javascript," + encodeURIComponent(source));
const { boxInWords, dragged, moved, MODES, normalise, partAt, placeLabel, shownWidth, stepped, toPicture } = canvas;

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

test("MODES: every mode has what render asks of it", () => {
  assert.deepEqual(Object.keys(MODES), ["box"]);
  for (const mode of Object.values(MODES)) {
    for (const name of ["grab", "drag", "step", "cursor", "words", "paint"]) assert.equal(typeof mode[name], "function");
    for (const name of ["trait", "role", "help"]) assert.equal(typeof mode[name], "string");
  }
  assert.equal(MODES.box.cursor("nw"), "nw-resize");
  assert.equal(MODES.box.cursor("move"), "move");
  assert.equal(MODES.box.cursor(null), "default");
});
