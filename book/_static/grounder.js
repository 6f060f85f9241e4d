// The course's grounder in a page: what gk_utils/models/trunk_grounder.py does around the two graphs, once more.
// Pictures are squares here, so that no frame has to be undone; a test holds both equal.

export const PADDING = 0;
export const UNKNOWN = 1;

/** The words of a text, lower case; what is neither letter nor digit separates them. */
export function words(text) {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** Word numbers of a phrase, UNKNOWN for a word that the trunk does not know; null if there is none, or too many. */
export function numbers(text, facts) {
  const found = words(text);
  if (!found.length || found.length > facts.longest) return null;
  const known = new Map(facts.words.map((word, index) => [word, index + 2]));
  return found.map((word) => known.get(word) ?? UNKNOWN);
}

/** Intersection over union of two boxes [x1, y1, x2, y2]. */
export function iou(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  const both = Math.max(width, 0) * Math.max(height, 0);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

/** The boxes of the surest patches, one per thing, best first: patches whose boxes overlap by half are one thing. */
export function distinct(boxes, shares, least) {
  const left = Array.from(shares);
  const found = [];
  for (;;) {
    let best = 0;
    for (let patch = 1; patch < left.length; patch++) if (left[patch] > left[best]) best = patch;
    if (found.length && left[best] <= least) break;
    let sum = 0;
    for (let patch = 0; patch < left.length; patch++) {
      if (left[patch] >= 0 && (patch === best || iou(boxes[best], boxes[patch]) >= 0.5)) {
        sum += shares[patch];
        left[patch] = -1;
      }
    }
    found.push({ box: boxes[best], score: Math.min(sum, 1) });
  }
  return found.sort((a, b) => b.score - a.score);
}

/** Pixels of a square canvas (RGBA bytes) as the graph wants them: three planes in [0, 1]. */
export function planes(rgba, side) {
  const out = new Float32Array(3 * side * side);
  for (let place = 0; place < side * side; place++)
    for (let channel = 0; channel < 3; channel++) out[channel * side * side + place] = rgba[4 * place + channel] / 255;
  return out;
}

export class Grounder {
  /** ort: the runtime; see, ask: its sessions; facts: grounder.json. */
  constructor(ort, see, ask, facts) {
    Object.assign(this, { ort, seeing: see, asking: ask, facts });
  }

  static async load(ort, folder) {
    const facts = await (await fetch(`${folder}/grounder.json`)).json();
    const [see, ask] = await Promise.all(
      ["see", "ask"].map((name) => ort.InferenceSession.create(`${folder}/${name}.onnx`)),
    );
    return new Grounder(ort, see, ask, facts);
  }

  /** Look at a picture: three planes of image_side x image_side. */
  async see(pixels) {
    const side = this.facts.image_side;
    const image = new this.ort.Tensor("float32", pixels, [1, 3, side, side]);
    const { features, boxes_unit } = await this.seeing.run({ image });
    const flat = boxes_unit.data;
    const boxes = [];
    for (let at = 0; at < flat.length; at += 4)
      boxes.push(Array.from(flat.slice(at, at + 4), (value) => Math.min(Math.max(value, 0), 1)));
    return { features, boxes };
  }

  /** Ask for a phrase in what was seen: shares of the patches, of "none", and the boxes (fractions of the picture). */
  async ask(seen, phrase) {
    const row = numbers(phrase, this.facts);
    if (!row) return null;
    const tensor = new this.ort.Tensor("int64", BigInt64Array.from(row, BigInt), [1, row.length]);
    const all = (await this.asking.run({ features: seen.features, numbers: tensor })).shares.data;
    const shares = all.slice(0, -1);
    const none = all[all.length - 1];
    const unknown = words(phrase).filter((word, index) => row[index] === UNKNOWN);
    return { shares, none, unknown, found: none > 0.5 ? [] : distinct(seen.boxes, shares, this.facts.least) };
  }
}
