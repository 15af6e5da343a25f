// What stands beside the picture: the reason in words, the form, the examples that look most alike.

import { ask } from "./api.js";
import { decides, element, said } from "./page.js";

const field = (name) => document.getElementById(`f-${name}`);

/** Shows the words of a part and empties the form. */
export function showPanel(item) {
  document.getElementById("panel").innerHTML = item.panel; // made by our own server, from a template that escapes
  document.getElementById("nothing").hidden = item.views.length > 0;
  if (!decides) return;
  for (const place of document.querySelectorAll("[data-seen]")) {
    place.textContent = item.is_hidden ? place.dataset.blind : place.dataset.seen;
  }
  const select = field("label");
  const first = select.options[0];
  select.replaceChildren(first, ...item.labels.map((label) => element("option", {}, label)));
  field("other").value = "";
  field("note").value = "";
}

/** The defect that is named in the form; empty where none is. */
export function namedLabel() {
  return field("other").value.trim() || field("label").value;
}

/** The defect that a mark is of: the named one, or the only one there is. */
export function labelOfMark(item) {
  return namedLabel() || item.labels[0] || "";
}

export const note = () => field("note").value.trim();

export function focusField(name) {
  field(name).focus();
}

/** The strip beneath the picture, as far as there are examples. */
export async function showExamples(item) {
  const place = document.getElementById("examples");
  const list = place.querySelector("ul");
  list.replaceChildren();
  const view = item.views[0];
  if (!view || item.is_hidden) return;
  try {
    const { examples } = await ask(`/api/nearest/${view.image}`);
    list.replaceChildren(...examples.map(example));
    if (!examples.length) list.append(element("li", { class: "none" }, said("no_examples")));
  } catch {
    list.replaceChildren(); // they help, and nothing hangs on them
  }
}

function example({ image, said: what }) {
  const picture = element("img", { src: `/pictures/${image}/thumbnail`, alt: "", loading: "lazy" });
  return element("li", {}, picture, element("span", {}, what));
}

export function titled(item) {
  return said("part", { part: item.serial || item.part });
}
