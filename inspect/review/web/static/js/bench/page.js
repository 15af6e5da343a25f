// What the page says of itself: words in the reader's language, keys, who is signed in.

export const root = document.getElementById("bench");
const parsed = (name) => JSON.parse(root.dataset[name]);

export const words = parsed("words");
export const keys = parsed("keys");
export const csrf = root.dataset.csrf;
export const account = root.dataset.account;
export const query = root.dataset.query;
export const decides = root.dataset.decides === "yes";
export const firstItem = parsed("item");

/** A sentence with its values filled in. */
export function said(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** Tells a screen reader; what is seen is seen anyway. */
export function announce(text) {
  document.getElementById("say").textContent = text;
}

/** One line beneath the picture; empty takes it away. */
export function hint(text) {
  const line = document.getElementById("hint");
  line.textContent = text;
  line.hidden = !text;
}

/** An element with attributes and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A name for a request; a page without TLS has no crypto.randomUUID. */
export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
