// The page "The grounder in this page": drag things, write a phrase, see the box and the score map.
import { Grounder, planes } from "./grounder.js";

const root = document.getElementById("live-grounder");
if (root) start(root).catch((error) => fail(root, error));

function fail(root, error) {
  root.querySelector(".live-answer").textContent = `The model stopped: ${error}. Load the page again.`;
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
  let last = null; // the pointer that drags, and where it holds the thing

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
        const share = found.shares[row * columns + column] / most;
        if (share < 0.01) continue;
        const [wide, high] = [(side / columns) * Math.sqrt(share), (side / rows) * Math.sqrt(share)];
        const [x, y] = [((column + 0.5) * side) / columns - wide / 2, ((row + 0.5) * side) / rows - high / 2];
        context.fillStyle = "#e69f00";
        context.fillRect(x, y, wide, high);
        context.lineWidth = 1;
        context.strokeStyle = "#222222";
        context.strokeRect(x, y, wide, high);
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
  const ort = await import(`${here}ort/ort.wasm.bundle.min.mjs`).catch(() => null);
  if (!ort) {
    answer.textContent = "This book was made without ONNX Runtime for browsers. Install Node.js and run make book again.";
    return;
  }
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { wasm: `${here}ort/ort-wasm-simd-threaded.wasm` };
  const grounder = await Grounder.load(ort, `${here}live`);
  const small = new OffscreenCanvas(grounder.facts.image_side, grounder.facts.image_side);
  let picture = 0; // grows with every move
  let seen = null; // what the model saw, and of which picture
  let busy = false;
  let again = false;

  async function look() {
    const size = grounder.facts.image_side;
    const paper = small.getContext("2d", { willReadFrequently: true });
    paper.imageSmoothingQuality = "high";
    paper.drawImage(scene, 0, 0, size, size);
    const now = picture;
    seen = { picture: now, ...(await grounder.see(planes(paper.getImageData(0, 0, size, size).data, size))) };
  }

  /** Answer for the picture and the phrase as they are now; what changes meanwhile is answered in another round. */
  async function ask() {
    again = true;
    if (busy) return;
    busy = true;
    try {
      while (again) {
        again = false;
        const began = performance.now();
        if (seen?.picture !== picture) await look();
        const said = await grounder.ask(seen, phrase.value);
        if (seen.picture !== picture) {
          again = last === null; // while something is dragged its end will ask
          continue;
        }
        found = said;
        paint();
        say(Math.round(performance.now() - began));
      }
    } catch (error) {
      fail(root, error);
    } finally {
      busy = false;
    }
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
      ask();
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
    picture += 1;
    found = null;
    paint();
  }

  const at = (event) => {
    const place = canvas.getBoundingClientRect();
    return [((event.clientX - place.left) * side) / place.width, ((event.clientY - place.top) * side) / place.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const [x, y] = at(event);
    const hit = [...things.keys()]
      .filter((index) => {
        const [x1, y1, x2, y2] = boxOf(things[index]);
        return x >= x1 && x <= x2 && y >= y1 && y <= y2;
      })
      .sort((a, b) => things[b].foot + things[b].down - (things[a].foot + things[a].down));
    if (!hit.length) return;
    choose(hit[0]);
    last = { pointer: event.pointerId, x: x - things[hit[0]].right, y: y - things[hit[0]].down };
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== last?.pointer) return;
    const [x, y] = at(event);
    move(chosen, x - last.x - things[chosen].right, y - last.y - things[chosen].down);
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== last?.pointer) return;
      last = null;
      ask();
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
