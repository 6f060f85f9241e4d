// Names and states that ipywidgets leaves out, for those who hear the page, and keys that JupyterLab takes away: in its
// command mode an arrow key moves to another cell instead of down the list that has the focus. `mend` may run again at
// any time: it writes only what is not so yet.

function say(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
}

const labelOf = (control) => control?.querySelector(".widget-label")?.textContent.trim() ?? "";

export function mend(panel) {
  for (const group of panel.querySelectorAll(".widget-toggle-buttons")) {
    say(group, { role: "group", "aria-label": labelOf(group) });
    for (const button of group.querySelectorAll("button")) {
      say(button, { "aria-pressed": String(button.classList.contains("mod-active")) });
    }
  }
  for (const slider of panel.querySelectorAll(".widget-slider")) {
    const name = labelOf(slider);
    for (const handle of slider.querySelectorAll("[role=slider]")) say(handle, { "aria-label": name });
    for (const readout of slider.querySelectorAll("[contenteditable=true]")) {
      say(readout, { role: "textbox", tabindex: "0", "aria-label": `${name}, as a number` });
    }
  }
  for (const icon of panel.querySelectorAll("button > i")) say(icon, { "aria-hidden": "true" });
  for (const button of panel.querySelectorAll("button[title=null]")) button.removeAttribute("title");
}

function keep(event) {
  if (!["Tab", "Escape"].includes(event.key) && !event.ctrlKey && !event.metaKey) event.stopPropagation();
}

function render({ el }) {
  let waiting = 0;
  let panel = null;
  const observer = new MutationObserver(() => mend(panel));
  function begin() {
    panel = el.closest(".gk-panel");
    if (panel === null) {
      waiting = requestAnimationFrame(begin); // it is drawn before it is put on the page
      return;
    }
    mend(panel);
    panel.addEventListener("keydown", keep);
    observer.observe(panel, { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] });
  }
  begin();
  return () => {
    cancelAnimationFrame(waiting);
    observer.disconnect();
    panel?.removeEventListener("keydown", keep);
  };
}

export default { render };
