// The labs of three lessons, alive in the page: the canvas of the notebook (lab/canvas.js is the same file), and readings.js
// in the place of Python. Where this does not run, the first frame of the notebook stays, with a sentence that says so.
import canvas from "./lab/canvas.js";
import { fixed, GRID, readBoxes, readRoi, readTokens } from "./readings.js";

const BLUE = "#0072B2";
const ORANGE = "#E69F00";
const READINGS = { boxes: readBoxes, tokens: readTokens, roi: readRoi };
const SIDE = 264; // what the drawing beside the canvas measures in its own units

for (const root of document.querySelectorAll(".gk-live"))
  start(root).catch((error) => {
    root.querySelector(".lab-note").textContent = `The lab stopped: ${error}. Its first frame is shown above.`;
  });

/** What the canvas takes for the widget's model: named values, and who wants to know of their changes. */
class Model {
  constructor(values) {
    this.values = values;
    this.heard = new Map();
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values[name] = value;
    for (const listener of this.heard.get(`change:${name}`) ?? []) listener();
  }

  on(event, listener) {
    this.heard.set(event, [...(this.heard.get(event) ?? []), listener]);
  }

  off(event, listener) {
    this.heard.set(event, (this.heard.get(event) ?? []).filter((other) => other !== listener));
  }

  save_changes() {
    this.saved();
  }
}

async function start(root) {
  const here = new URL(".", import.meta.url).href;
  const lab = await (await fetch(`${here}lab/${root.dataset.lab}.json`)).json();
  const picture = await (await fetch(lab.picture)).arrayBuffer();
  const model = new Model({ ...lab.canvas, picture });
  const facts = { ...lab.facts };
  const beside = make("div", { class: "gk-beside" });

  function answer() {
    const box = model.get("box");
    const reading = READINGS[lab.kind](box, facts);
    model.set("truth", reading.truth);
    model.set("note", reading.note);
    model.set("note_of", box);
    if (lab.kind === "tokens") beside.replaceChildren(magnifier(lab, box, reading, facts));
    if (lab.kind === "roi") beside.replaceChildren(map(box, reading, facts), ...tables(reading));
  }
  model.saved = answer;

  const choices = lab.choices.map(({ name, label, values }) => {
    const group = make("div", { class: "gk-tools", role: "group", "aria-label": label });
    group.append(`${label}: `);
    for (const [text, value] of values) {
      const button = make("button", { type: "button", "aria-pressed": String(value === facts[name]) }, text);
      button.addEventListener("click", () => {
        facts[name] = value;
        for (const other of group.querySelectorAll("button"))
          other.setAttribute("aria-pressed", String(other === button));
        answer();
      });
      group.append(button);
    }
    return group;
  });
  const board = make("div", { class: "gk-lab gk-board" });
  const place = make("div");
  if (lab.kind !== "boxes") place.style.maxWidth = "420px"; // so that the drawing has room beside it
  board.append(place, beside);
  const again = make("p", { class: "lab-note" }, "This lab is alive in this page. ");
  again.append(lab.more);
  root.replaceChildren(again, ...(choices.length ? [wrapped(choices)] : []), board);
  answer();
  canvas.render({ model, el: place });
  // The first frame of the notebook says the same: the live one takes its place.
  const still = root.previousElementSibling?.querySelector(".cell_output");
  if (still) still.hidden = true;
  root.dataset.ready = "yes";
}

function wrapped(groups) {
  const lab = make("div", { class: "gk-lab" });
  lab.append(...groups);
  return lab;
}

function make(tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

// ---------------------------------------------------------------------------------------------------------- drawings

/** A square of the picture, [left, top, side], in which a box and what comes back at most `reach` away both fit. */
function around([x1, y1, x2, y2], reach, hw) {
  let side = Math.max(16, 1.2 * (Math.max(x2 - x1, y2 - y1) + 2 * reach));
  side = Math.min(side, 1.02 * Math.max(...hw) + 2 * reach);
  return [(x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side];
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Boxes of the picture in the units of a drawing of `window`. */
function framed([left, top, side]) {
  const zoom = SIDE / side;
  const at = (x, y) => [(x - left) * zoom, (y - top) * zoom];
  const rect = ([x1, y1, x2, y2], look) => {
    const [x, y] = at(x1, y1);
    return svg("rect", { x, y, width: (x2 - x1) * zoom, height: (y2 - y1) * zoom, ...look });
  };
  const outline = (box, colour, width, dashes, under) => [
    rect(box, { fill: "none", stroke: under, "stroke-width": width + 2 }),
    rect(box, { fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dashes }),
  ];
  return { at, rect, outline, zoom };
}

const drawing = (words, ...parts) =>
  svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, role: "img", "aria-label": words, class: "gk-drawing" }, ...parts);

function figure(picture, words) {
  const node = make("figure");
  node.append(picture, make("figcaption", {}, words));
  return node;
}

/** Lesson 03: the box and what came back of it, enlarged, on the lines of the code. */
function magnifier(lab, box, reading, { hw, bins }) {
  const [height, width] = hw;
  const steps = bins === "cells" ? GRID : bins - 1;
  const [across, down] = [width / steps, height / steps];
  const window = around(box, Math.max(across, down), hw);
  const { at, rect, outline, zoom } = framed(window);
  const image = rect([0, 0, width, height], { href: lab.picture });
  const whole = svg("image", { ...attributesOf(image), style: "image-rendering:pixelated", preserveAspectRatio: "none" });
  const drawn = Math.min(across, down) * zoom >= 6;
  const lines = [];
  const dots = bins === "cells" ? 0.5 : 0;
  for (let i = 0; drawn && i <= steps; i++) {
    const [x, y] = at((i + dots) * across, (i + dots) * down);
    const look = { stroke: "#222222", "stroke-width": 0.6 };
    const shown = (place) => place >= 0 && place <= SIDE;
    if (shown(x)) lines.push(svg("line", { x1: x, x2: x, y1: 0, y2: SIDE, ...look }));
    if (shown(y)) lines.push(svg("line", { x1: 0, x2: SIDE, y1: y, y2: y, ...look }));
  }
  const boxes = [...outline(box, BLUE, 3, "", "#ffffff"), ...outline(reading.truth[0], ORANGE, 3, "9 6", "none")];
  const step = `${Number(across.toPrecision(3))} px apart in x, ${Number(down.toPrecision(3))} px in y`;
  const what = dots ? "Lines cross in the middle of each cell" : "The lines are the bins";
  const said = drawn ? `${what}, ${step}.` : `The ${dots ? "cells" : "bins"} are ${step}: too close to be drawn.`;
  const words = `${fixed(zoom, 1)} times as large. Blue: your box; dashed orange: what came back of it. ${said}`;
  return figure(drawing(words, whole, ...lines, ...boxes), `${words} Tokens: ${reading.tokens.join(" ")}.`);
}

const attributesOf = (node) => Object.fromEntries([...node.attributes].map(({ name, value }) => [name, value]));

/** Lesson 06: the map around the box, the cells of RoI Pool, the samples of RoI Align. */
function map(box, reading, { grids, stride }) {
  const grid = grids[stride];
  const hw = [grid.length * stride, grid[0].length * stride];
  const { at, rect, outline } = framed(around(box, 1.5 * stride, hw));
  const parts = [];
  grid.forEach((line, i) =>
    line.forEach((value, j) => {
      const cell = [j, i, j + 1, i + 1].map((side) => side * stride);
      const grey = Math.round(90 + 150 * value);
      parts.push(rect(cell, { fill: `rgb(${grey},${grey},${grey})`, stroke: "#777777" }));
      if (reading.covered[i][j] < 2) return;
      const [x, y] = at((j + 0.5) * stride, (i + 0.5) * stride);
      parts.push(svg("text", { x, y: y + 4, "text-anchor": "middle", fill: "#000000" }, `×${reading.covered[i][j]}`));
    }),
  );
  reading.cells.forEach((row, i) =>
    row.forEach(([x1, y1, x2, y2], j) => {
      if (x2 <= x1 || y2 <= y1) return;
      const inset = 0.1 + 0.08 * ((i + j) % 2); // bins share cells: drawn smaller by turns
      const drawn = [x1 + inset, y1 + inset, x2 - inset, y2 - inset].map((side) => side * stride);
      parts.push(...outline(drawn, "#222222", 1.5, "", "#ffffff"));
    }),
  );
  parts.push(...outline(reading.truth[0], ORANGE, 3, "9 6", "#ffffff"), ...outline(box, BLUE, 3, "", "#ffffff"));
  for (const [x, y] of reading.points.flat(2)) {
    const [cx, cy] = at(x * stride, y * stride);
    parts.push(svg("circle", { cx, cy, r: 3, fill: BLUE, stroke: "#ffffff" }));
  }
  const legend =
    "Blue: your box and the samples of RoI Align. Dashed orange: the whole cells of RoI Pool. Black: its bins; ×2: a " +
    "cell in two of them.";
  return figure(drawing(reading.note.replaceAll("\n", " "), ...parts), legend);
}

function tables(reading) {
  const rows = (values) => values.map((row) => row.map((value) => `${fixed(100 * value, 0)} %`));
  return [
    ["RoI Pool (largest cell)", reading.pooled],
    ["RoI Align (mean of samples)", reading.aligned],
  ].map(([name, values]) => {
    const table = make("table", { class: "gk-values" });
    table.append(make("caption", {}, name));
    for (const row of rows(values)) {
      const line = make("tr");
      line.append(...row.map((text) => make("td", {}, text)));
      table.append(line);
    }
    return table;
  });
}
