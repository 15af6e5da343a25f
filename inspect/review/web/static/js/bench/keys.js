// Keys become actions: as everybody has them, or as this account chose them.

import { keys } from "./page.js";

const SHOWN = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", " ": "␣" };
const REPEATS = new Set(["zoom_in", "zoom_out", "pan_up", "pan_down", "pan_left", "pan_right"]);
const fold = (key) => (key.length === 1 ? key.toLowerCase() : key);

/** actions: name → function. first(event): whether somebody took the key before. */
export function bindKeys(actions, { first, hold }) {
  const byKey = new Map(Object.entries(keys).map(([name, key]) => [fold(key), name]));
  showKeys();
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (isTyped(event)) return;
    if (first(event)) {
      event.preventDefault();
      return;
    }
    const name = byKey.get(fold(event.key));
    if (!name || isPressed(event)) return;
    event.preventDefault();
    if (name === "hide") hold(true);
    else if (!event.repeat || REPEATS.has(name)) actions[name]?.();
  });
  document.addEventListener("keyup", (event) => {
    if (byKey.get(fold(event.key)) === "hide") hold(false);
  });
  addEventListener("blur", () => hold(false));
}

/** Writes the keys onto the buttons. */
export function showKeys() {
  for (const place of document.querySelectorAll("[data-key]")) {
    const key = keys[place.dataset.key];
    place.textContent = SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  }
}

/** Somebody writes a note, or chooses a label; Escape leaves the field. */
function isTyped(event) {
  const { target } = event;
  if (document.querySelector("dialog[open]")) return true;
  const isField = target.matches?.("textarea, select, input:not([type=range])");
  if (isField && (event.key === "Escape" || (event.key === "Enter" && !target.matches("textarea")))) {
    event.preventDefault();
    target.blur();
  }
  if (target.matches?.("input[type=range]")) return event.key.startsWith("Arrow");
  return Boolean(isField);
}

/** Enter and the space bar press the button that has the focus. */
function isPressed(event) {
  return (event.key === "Enter" || event.key === " ") && event.target.closest?.("button, a, summary");
}
