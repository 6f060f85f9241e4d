// The page "The grounder in this page": drag things, write a phrase, see the box and the score map.
import { Grounder, planes } from "./grounder.js";

const root = document.getElementById("live-grounder");
if (root) start(root).catch((error) => fail(root, error));

function fail(root, error) {
  const served = location.protocol !== "file:";
  const why = served ? String(error) : "a browser gives no model to a page that is opened as a file";
  root.querySelector(".live-answer").textContent =
    `The model could not be loaded: ${why}. Serve the folder: python -m http.server --directory book/_build/html`;
}

const image = (address) =>
  new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture);
    picture.onerror = () => reject(new Error("a picture of the stage is damaged"));
    picture.src = address;
  });

async function start(root) {
  const here = new URL(".", import.meta.url).href;
  const canvas = root.querySelector("canvas");
  const answer = root.querySelector(".live-answer");
  const phrase = root.querySelector("input[type=text]");
  const showMap = root.querySelector("input[type=checkbox]");
  const thingList = root.querySelector(".live-things");

  const stage = await (await fetch(`${here}live/stage.json`)).json();
  const { side } = stage;
  const empty = await image(stage.empty);
  const things = await Promise.all(
    stage.things.map(async (thing) => ({ ...thing, picture: await image(thing.picture), right: 0, down: 0 })),
  );
  const options = root.querySelector(".live-phrases");
  for (const text of stage.phrases) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      phrase.value = text;
      ask();
    });
    options.append(button);
  }
  phrase.value = stage.phrases[0];

  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const scene = new OffscreenCanvas(side, side);
  let chosen = null;
  let found = null;

  function paint() {
    const paper = scene.getContext("2d");
    paper.drawImage(empty, 0, 0);
    const order = [...things].sort((a, b) => a.foot + a.down - (b.foot + b.down));
    for (const thing of order) paper.drawImage(thing.picture, thing.right, thing.down);
    context.drawImage(scene, 0, 0);
    if (found && showMap.checked) paintMap();
    if (found) found.found.slice(0, 1).forEach(({ box }) => outline(box.map((value) => value * side), "#0b5fd0", 4, []));
    if (chosen !== null) outline(boxOf(things[chosen]), "#ffffff", 2, [6, 4]);
  }

  function paintMap() {
    const [rows, columns] = grounder.facts.grid_hw;
    const most = Math.max(...found.shares, 1e-6);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        context.fillStyle = `rgba(230, 120, 0, ${0.75 * (found.shares[row * columns + column] / most)})`;
        context.fillRect((column * side) / columns, (row * side) / rows, side / columns, side / rows);
      }
  }

  function outline([x1, y1, x2, y2], colour, width, dash) {
    context.save();
    context.setLineDash(dash);
    context.lineWidth = width + 2;
    context.strokeStyle = dash.length ? "#000000" : "#ffffff";
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.restore();
  }

  const boxOf = ({ box: [x1, y1, x2, y2], right, down }) => [x1 + right, y1 + down, x2 + right, y2 + down];

  // --- the model -----------------------------------------------------------------------------------------------
  answer.textContent = "Loading the model (about 24 MB, once) ...";
  paint();
  const ort = await import(`${here}ort/ort.wasm.bundle.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { wasm: `${here}ort/ort-wasm-simd-threaded.wasm` };
  const grounder = await Grounder.load(ort, `${here}live`);
  const small = new OffscreenCanvas(grounder.facts.image_side, grounder.facts.image_side);
  let seen = null;
  let busy = false;
  let again = false;

  async function look() {
    const size = grounder.facts.image_side;
    const paper = small.getContext("2d", { willReadFrequently: true });
    paper.imageSmoothingQuality = "high";
    paper.drawImage(scene, 0, 0, size, size);
    seen = await grounder.see(planes(paper.getImageData(0, 0, size, size).data, size));
  }

  async function ask({ anew = false } = {}) {
    if (anew) seen = null;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      const began = performance.now();
      if (!seen) await look();
      const looked = seen;
      found = await grounder.ask(looked, phrase.value);
      const took = Math.round(performance.now() - began);
      paint();
      say(took);
      if (looked !== seen) again = true;
    } while (again);
    busy = false;
  }

  function say(took) {
    if (!found) {
      answer.textContent = `Write 1 to ${grounder.facts.longest} words.`;
      return;
    }
    const unknown = found.unknown.length ? ` It does not know: ${found.unknown.join(", ")}.` : "";
    const share = (value) => `${(100 * value).toFixed(0)} %`;
    if (!found.found.length) {
      root.dataset.box = "";
      answer.textContent = `There is none (${share(found.none)} sure).${unknown} ${took} ms`;
      return;
    }
    const [first, second] = found.found;
    const pixels = first.box.map((value) => Math.round(value * side));
    root.dataset.box = pixels.join(" ");
    const other = second ? ` Next best: ${share(second.score)}.` : "";
    answer.textContent = `Box ${pixels.join(", ")} px, ${share(first.score)} of the answer.${other}${unknown} ${took} ms`;
  }

  // --- moving things -------------------------------------------------------------------------------------------
  const buttons = things.map((thing, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = thing.name;
    button.title = "Arrow keys move it";
    button.addEventListener("focus", () => choose(index));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, -6], ArrowDown: [0, 6] }[event.key];
      if (!step) return;
      event.preventDefault();
      move(index, ...step);
      ask({ anew: true });
    });
    thingList.append(button);
    return button;
  });

  function choose(index) {
    chosen = index;
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
    paint();
  }

  function move(index, right, down) {
    const thing = things[index];
    const [x1, y1, x2, y2] = boxOf(thing);
    thing.right += Math.min(Math.max(right, -x1), side - x2);
    thing.down += Math.min(Math.max(down, -y1), side - y2);
    found = null;
    paint();
  }

  const at = (event) => {
    const place = canvas.getBoundingClientRect();
    return [((event.clientX - place.left) * side) / place.width, ((event.clientY - place.top) * side) / place.height];
  };
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = at(event);
    const hit = [...things.keys()]
      .filter((index) => {
        const [x1, y1, x2, y2] = boxOf(things[index]);
        return x >= x1 && x <= x2 && y >= y1 && y <= y2;
      })
      .sort((a, b) => things[b].foot + things[b].down - (things[a].foot + things[a].down));
    if (!hit.length) return;
    choose(hit[0]);
    last = [x, y];
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const [x, y] = at(event);
    move(chosen, x - last[0], y - last[1]);
    last = [x, y];
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => {
      if (!last) return;
      last = null;
      ask({ anew: true });
    });

  let waiting = 0;
  phrase.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 250);
  });
  showMap.addEventListener("change", paint);
  await ask();
  root.dataset.ready = "yes";
}
