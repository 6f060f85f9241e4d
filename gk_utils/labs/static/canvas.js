// The canvas of the labs: a picture, what is true on it, and what the learner puts on it.
//
// The geometry is pure and exported, so that `node --test tests/canvas.test.mjs` runs it without a browser. It speaks
// image pixels: x to the right, y down, [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2 at every moment, mid-drag included.
// "Layout pixels" are those of CSS; the picture may be shown at any size, zoom or device pixel ratio.
//
// A mode is an entry of MODES: which traitlet of the Python widget it edits, and how the pointer, the keys, the eye and
// the ear meet that value. `render` at the end knows no mode.

// Told apart by colour (Okabe-Ito blue and orange, as in every figure), line (solid, dashed), label and its place. Each
// line lies on a wider one that it stands out from, so both are seen on dark, pale and busy pictures.
const LEARNER = { line: "#0072B2", under: "#ffffff", text: "#ffffff", dash: [], label: "below", gap: 8 };
const TRUTH = { line: "#E69F00", under: "#222222", text: "#000000", dash: [9, 6], label: "above", gap: 4 };
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

// ------------------------------------------------------------------------------------------------------------ modes

export const MODES = {
  box: {
    trait: "box",
    role: "picture with a box to place",
    help: "Drag the box or a handle. Keys: arrows move it, Alt + arrows resize it, Shift by 10 px, Esc leaves.",
    grab: (box, point, reach) => partAt(box, point, reach),
    drag: dragged,
    step: stepped,
    cursor: (part) => (part === null ? "default" : part === "move" ? "move" : `${part}-resize`),
    words: (box) => `Your box: ${boxInWords(box)}`,
    paint: (pen, box, scale, room) => {
      const corners = box.map((side) => side * scale);
      paintBox(pen, corners, LEARNER, "yours", room);
      paintHandles(pen, corners);
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
  const note = element("p", "gk-note");
  const help = element("p", "gk-help", { id });
  const facts = element("span", "gk-heard");
  const status = element("p", "gk-heard", { role: "status" });
  canvas.style.width = `${shownWidth(hw)}px`;
  canvas.style.aspectRatio = `${hw[1]} / ${hw[0]}`;
  help.append(mode.help, facts);
  lab.append(title, canvas, note, help, status);
  el.append(lab);

  const pen = canvas.getContext("2d");
  let bitmap = null;
  let grip = null; // {part, from, value, pointerId} while dragging
  let speaking = 0;

  function draw() {
    const value = model.get(mode.trait);
    canvas.setAttribute("aria-label", `${model.get("title")}. ${mode.words(value)}`);
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
    const labels = model.get("truth_labels");
    model.get("truth").forEach((box, i) => {
      paintBox(pen, box.map((side) => side * scale), TRUTH, labels[i], room);
    });
    mode.paint(pen, value, scale, room);
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
    bitmap = await createImageBitmap(new Blob([model.get("picture")]));
    draw();
  }

  function edit(next) {
    if (JSON.stringify(next) === JSON.stringify(model.get(mode.trait))) return;
    model.set(mode.trait, next);
    model.save_changes();
    announce();
  }

  function announce() {
    clearTimeout(speaking); // say where it came to rest, not every pixel on the way
    speaking = setTimeout(() => {
      const stale = note.classList.contains("gk-stale");
      status.textContent = `${mode.words(model.get(mode.trait))}. ${stale ? "" : note.textContent}`;
    }, 500);
  }

  const at = (event) => toPicture(event.clientX, event.clientY, canvas.getBoundingClientRect(), hw);
  const under = (event) => {
    const reach = event.pointerType === "touch" ? 22 : 10; // layout pixels; a fingertip is wider than an arrow
    return mode.grab(model.get(mode.trait), at(event), (reach * hw[1]) / canvas.clientWidth);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const part = under(event);
    if (part === null) return;
    grip = { part, from: at(event), value: model.get(mode.trait), pointerId: event.pointerId };
    canvas.setPointerCapture(event.pointerId);
    event.stopPropagation();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (grip === null) {
      canvas.style.cursor = mode.cursor(under(event));
    } else if (event.pointerId === grip.pointerId) {
      const [x, y] = at(event);
      edit(mode.drag(grip.value, grip.part, [x - grip.from[0], y - grip.from[1]], hw));
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId === grip?.pointerId) grip = null;
    });
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      canvas.parentElement.closest("[tabindex]")?.focus(); // the cell or notebook around it
      canvas.blur();
    }
    if (event.key === "Tab" || event.key === "Escape" || event.ctrlKey || event.metaKey) return;
    event.stopPropagation(); // in JupyterLab's command mode single letters cut and delete cells
    const next = mode.step(model.get(mode.trait), event, hw);
    if (next === null && event.key !== " ") return;
    event.preventDefault(); // neither scroll nor go back in the history
    if (next !== null) edit(next);
  });

  const traits = [mode.trait, "truth", "truth_labels", "title", "note", "note_of"].map((name) => `change:${name}`);
  const resized = new ResizeObserver(draw);
  resized.observe(canvas);
  window.addEventListener("resize", draw); // the browser's zoom changes the pixel ratio, not the layout size
  for (const change of traits) model.on(change, update);
  model.on("change:picture", load);
  model.on("change:note", announce); // what Python says may change beside a still box
  update();
  load();
  return () => {
    clearTimeout(speaking);
    resized.disconnect();
    window.removeEventListener("resize", draw);
    for (const change of traits) model.off(change, update);
    model.off("change:picture", load);
    model.off("change:note", announce);
  };
}

export default { render };
