"""What a page owes those who hear it, see little of it, or have a keyboard alone; asked of the page itself.

Each function answers with faults in words; none is what a test wants. The bars are those of WCAG 2.2, level AA: text
4.5 : 1 against its ground (3 : 1 where large), lines and the mark of the focus 3 : 1.
"""

from playwright.sync_api import Locator, Page

# Roles of what is worked with or looked at: each must say what it is.
NAMED = {
    *("application", "button", "checkbox", "combobox", "group", "image", "img", "link", "listbox", "radio"),
    *("radiogroup", "region", "slider", "spinbutton", "switch", "textbox", "columnheader"),
}
LIVE = "[role=status], [role=log], [role=alert], [aria-live=polite], [aria-live=assertive]"

# Colours as the browser shows them, whatever the notation; blending from the ground up; the ratio of two of them.
COLOURS = """
const pen = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
const known = new Map();
function rgba(colour) {
  if (!known.has(colour)) {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    known.set(colour, [r, g, b, a / 255]);
  }
  return known.get(colour);
}
const blend = ([r, g, b, a], on) => [r, g, b].map((part, i) => a * part + (1 - a) * on[i]);
function luminance(colour) {
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = colour.map((part) => linear(part / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ratio(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
function groundOf(node) { // the colour behind a node, its own background included
  const layers = [];
  for (let at = node; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    if (colour[3] > 0) layers.unshift(colour);
    if (colour[3] === 1) break;
  }
  return layers.reduce((ground, layer) => blend(layer, ground), [255, 255, 255]);
}
function opacityOf(node) {
  let opacity = 1;
  for (let at = node; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
  return opacity;
}
function contrast(colour, node, ground) {
  const [r, g, b, a] = rgba(colour);
  return ratio(blend([r, g, b, a * opacityOf(node)], ground), ground);
}
function seen(node) {
  const { width, height } = node.getBoundingClientRect();
  const { visibility, clipPath } = getComputedStyle(node);
  return width > 1 && height > 1 && visibility === 'visible' && clipPath !== 'inset(50%)';
}
function short(node) { return node.outerHTML.replace(/\\s+/g, ' ').slice(0, 100); }
"""

FAINT = (
    """(root) => {"""
    + COLOURS
    + """
  const faults = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.textContent.trim() || !seen(node) || node.closest('svg, style, option, [aria-hidden=true]')) continue;
    const style = getComputedStyle(node);
    const size = parseFloat(style.fontSize);
    const bar = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const found = contrast(style.color, node, groundOf(node));
    if (found < bar) faults.push(`text '${text.textContent.trim().slice(0, 40)}': ${found.toFixed(2)} : 1`);
  }
  for (const node of root.querySelectorAll('input, textarea, select')) {
    if (!seen(node)) continue;
    const found = contrast(getComputedStyle(node).color, node, groundOf(node));
    if (found < 4.5) faults.push(`value of ${short(node)}: ${found.toFixed(2)} : 1`);
    const hint = getComputedStyle(node, '::placeholder');
    const [r, g, b, a] = rgba(hint.color);
    const ground = groundOf(node);
    const shown = ratio(blend([r, g, b, a * Number(hint.opacity)], ground), ground);
    if (node.placeholder && shown < 4.5) faults.push(`hint '${node.placeholder}': ${shown.toFixed(2)} : 1`);
  }
  for (const node of root.querySelectorAll('.noUi-handle, .noUi-target')) {
    const found = ratio(groundOf(node), groundOf(root));
    if (found < 3) faults.push(`${node.className} of a slider: ${found.toFixed(2)} : 1`);
  }
  for (const node of root.querySelectorAll('.mod-active, [aria-pressed=true]')) { // told from those beside it
    const other = [...node.parentElement.children].find((one) => one.tagName === node.tagName
      && one.getAttribute('aria-pressed') === 'false');
    if (!other || !seen(node)) continue;
    const found = ratio(groundOf(node), groundOf(other));
    if (found < 3) faults.push(`chosen '${node.textContent}' beside '${other.textContent}': ${found.toFixed(2)} : 1`);
  }
  return faults;
}"""
)

FOCUSABLE = """
const NAMES = 'a[href], button, input, select, textarea, summary, canvas, [tabindex], [contenteditable=true]';
function focusable(root) {
  return [...root.querySelectorAll(NAMES)].filter((node) => {
    const box = node.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && !node.disabled && getComputedStyle(node).visibility === 'visible'
      && (node.type !== 'radio' || node.checked);
  });
}
"""
SAID = """async (root, live) => { // a canvas says where something came to rest half a second later
  for (const end = performance.now() + 3000; performance.now() < end;) {
    if ([...root.querySelectorAll(live)].some((node) => node.textContent.trim())) return true;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  return false;
}"""
LEFT_OUT = (
    """(root) => {"""
    + FOCUSABLE
    + """
  return focusable(root).filter((node) => node.tabIndex !== 0).map((node) => node.outerHTML.slice(0, 100)); }"""
)
COUNT = """(root) => {""" + FOCUSABLE + """ return focusable(root).filter((node) => node.tabIndex === 0).length; }"""
FOCUS_FIRST = (
    """(root) => {"""
    + FOCUSABLE
    + """
  const all = focusable(root).filter((node) => node.tabIndex === 0);
  window.gkLooks = all.map((node) => ({ ...looks(node) }));
  function looks(node) {
    const { borderTopColor, backgroundColor } = getComputedStyle(node);
    return { borderTopColor, backgroundColor };
  }
  all[0]?.focus(); }"""
)
# Which of the controls has the focus, where it lies, and how well its mark is seen.
FOCUSED = (
    """(root) => {"""
    + COLOURS
    + FOCUSABLE
    + """
  const all = focusable(root).filter((node) => node.tabIndex === 0);
  const node = document.activeElement;
  const index = all.indexOf(node);
  if (index < 0) return { index, what: node?.outerHTML.slice(0, 100) ?? '', mark: 0 };
  const style = getComputedStyle(node);
  const around = groundOf((node.closest('.widget-slider') ?? node).parentElement); // a handle is wider than its track
  const before = window.gkLooks[index];
  const marks = [0];
  if (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) {
    marks.push(contrast(style.outlineColor, node, around));
  }
  if (before && style.borderTopColor !== before.borderTopColor && parseFloat(style.borderTopWidth) >= 1) {
    marks.push(contrast(style.borderTopColor, node, around));
  }
  const { left, top, right, bottom } = node.getBoundingClientRect();
  const { x, y } = root.getBoundingClientRect(); // the page may scroll to what has the focus
  const place = [left - x, top - y, right - x, bottom - y];
  return { index, what: short(node), mark: Math.max(...marks), place };
}"""
)


def unnamed(page: Page, root: Locator) -> list[str]:
    """What a screen reader would meet in `root` without a name, and a lab that says nothing when it changes."""
    devtools = page.context.new_cdp_session(page)
    root.evaluate("(root) => { window.gkRoot = root; }")
    found = devtools.send("Runtime.evaluate", {"expression": "window.gkRoot"})["result"]["objectId"]
    nodes = devtools.send("Accessibility.queryAXTree", {"objectId": found})["nodes"]
    devtools.detach()
    faults = []
    for node in nodes:
        if node.get("ignored"):
            continue
        role, name = node["role"]["value"], node.get("name", {}).get("value", "")
        if role in NAMED and not name.strip():
            faults.append(f"a {role} without a name")
        states = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
        if role == "generic" and states.get("focusable") and states.get("editable"):
            faults.append("a field to write in that is no textbox")
    if not root.evaluate(SAID, LIVE):
        faults.append("no live region says what the picture shows")
    silent = root.locator(".widget-toggle-buttons button:not([aria-pressed])").count()
    return [*faults, *[f"{silent} buttons that do not say whether they are chosen"][: silent > 0]]


def faint(root: Locator) -> list[str]:
    """Text that is too pale for its ground, as computed by the browser, hints and chosen buttons included."""
    return root.evaluate(FAINT)


def out_of_reach(page: Page, root: Locator) -> list[str]:
    """What Tab does not reach in `root`, reaches in another order than it is read, or marks too faintly."""
    faults = [f"Tab passes over {node}" for node in root.evaluate(LEFT_OUT)]
    count = root.evaluate(COUNT)
    if count == 0:
        return [*faults, "nothing that the keyboard reaches"]
    root.evaluate(FOCUS_FIRST)
    page.keyboard.press("Shift")  # a key, so that the browser shows the mark
    seen, last = [root.evaluate(FOCUSED)], None
    for _ in range(count - 1):
        for _ in range(12):  # in a picture with boxes to move, Tab first goes through the boxes
            page.keyboard.press("Tab")
            now = root.evaluate(FOCUSED)
            if now["index"] != seen[-1]["index"]:
                break
        seen.append(now)
    for number, now in enumerate(seen):
        if now["index"] != number:
            faults.append(f"Tab {number}: expected control {number}, got {now['index']}: {now['what']}")
            continue
        if now["mark"] < 3:
            faults.append(f"the focus on {now['what']}: {now['mark']:.2f} : 1")
        if last is not None and _before(now["place"], last):
            faults.append(f"{now['what']} comes after what stands below or to the right of it")
        last = now["place"]
    return faults


def _before(here: list[float], there: list[float]) -> bool:
    """Whether a rectangle is read before another: above it and not to its right, or left of it in the same row."""
    left, _, right, bottom = here
    above = bottom <= there[1] + 1
    below = here[1] >= there[3] - 1
    return (above and left < there[2]) or (not above and not below and right <= there[0] + 1)
