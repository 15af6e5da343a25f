// The bench: joins picture, form, keys and outbox. Without it the page is a form that works as well.

import { Tool } from "./bench/drawing.js";
import { Items } from "./bench/items.js";
import { bindKeys } from "./bench/keys.js";
import { listMarks, sentMarks } from "./bench/marks.js";
import { Outbox } from "./bench/outbox.js";
import { showOutbox } from "./bench/outbox_view.js";
import { Overlays, bindOverlayTools } from "./bench/overlays.js";
import { announce, decides, firstItem, hint, newRequestId, root, said } from "./bench/page.js";
import { focusField, labelOfMark, namedLabel, note, showExamples, showPanel, titled } from "./bench/panel.js";
import { Stage } from "./bench/stage.js";

document.documentElement.classList.add("js");

const overlays = new Overlays();
const outbox = new Outbox();
const items = new Items(firstItem, outbox);
const drawOverlayTools = bindOverlayTools(overlays, () => stage);
let stage = null;
let behind = null; // the next part, drawn already and not seen yet
const SETTLED_MS = 150; // so long the decision before may take until it is answered; it comes first
const DRAWN_MS = 5000; // a picture that does not come does not keep the others away
let shownAt = 0;
let isBusy = false;
let writing = null; // of the decision that is on its way to the disk
let lastMade = ""; // its request_id

/** Puts a part on the bench; begunAt is when somebody asked for it. */
async function put(item, begunAt = performance.now()) {
  stage?.tool?.end();
  const before = stage;
  stage = behind?.item === item ? behind : new Stage(item, overlays);
  if (behind === stage) behind = null;
  stage.onfound = drawOverlayTools;
  stage.show();
  before?.close();
  showPanel(item);
  hint("");
  press("golden", false);
  press("blink", false);
  listMarks(stage.marks, removeMark);
  drawOverlayTools();
  shownAt = performance.now();
  announce(titled(item));
  document.title = document.title.replace(/^[^·]*/, `${item.serial || item.part} `);
  history.replaceState(null, "", item.url);
  root.dataset.part = item.part;
  const shown = stage;
  await shown.ready;
  if (shown !== stage) return;
  requestAnimationFrame(() => {
    root.dataset.swapMs = (performance.now() - begunAt).toFixed(1);
    root.dataset.shown = item.part;
  });
  await settled();
  if (shown !== stage) return;
  showExamples(item);
  prepare();
}

/** Until the decision that is under way is acknowledged. */
function settled() {
  return new Promise((resolve) => {
    if (outbox.lastAck?.entry.request_id === lastMade) resolve(); // before the picture was there
    if (!writing && !outbox.mine("waiting").length) resolve();
    outbox.addEventListener("ack", resolve, { once: true });
    setTimeout(resolve, SETTLED_MS);
  });
}

/** Draws the next part behind this one, and fetches what comes after it once that is done. */
async function prepare() {
  if (!decides) return;
  if (!items.ahead.length) await items.fill();
  const next = items.ahead[0];
  if (!next) return;
  if (behind?.item !== next) {
    behind?.close();
    behind = new Stage(next, overlays);
    root.dataset.prepared = "";
  }
  const drawn = behind;
  await Promise.race([drawn.ready, new Promise((resolve) => setTimeout(resolve, DRAWN_MS))]);
  if (drawn !== behind) return;
  root.dataset.prepared = next.part;
  await items.fill();
  items.warm();
}

/** One thing at a time: a key that is pressed twice is not two decisions on two parts. */
function once(work) {
  return async (...values) => {
    if (isBusy) return;
    isBusy = true;
    try {
      await work(...values);
    } catch (error) {
      hint(error.message);
    } finally {
      isBusy = false;
    }
  };
}

const decide = once(async (choice) => {
  const item = items.current;
  if (!item || !stage || !decides) return;
  const begunAt = performance.now();
  const marks = sentMarks(stage.marks, stage.views);
  const label = namedLabel() || marks[0]?.label || onlyLabel(choice, item);
  if (needsLabel(choice, item) && !label) {
    hint(said("choose_label"));
    focusField("label");
    return;
  }
  const request_id = newRequestId();
  const shown_ms = Math.round(begunAt - shownAt);
  const body = { offer: item.offer, choice, label: label || null, note: note(), marks, request_id, shown_ms };
  const entry = { kind: "decide", request_id, part: item.part, serial: item.serial, choice, offer: item.offer, body };
  write(entry, item);
  items.done(item.part);
  if (!items.ahead.length) await writing; // whoever is asked for more must know of it
  await goOn(begunAt);
});

/** To the disk, while the next part is seen already; the part is shown again where that fails. */
function write(entry, item) {
  lastMade = entry.request_id;
  const mine = outbox.add(entry);
  writing = mine;
  mine
    .catch(async (error) => {
      await swap(await items.open(item.part, item.offer));
      hint(error.message);
    })
    .catch((error) => hint(error.message))
    .finally(() => {
      if (writing === mine) writing = null;
    });
}

/** Where there is one kind of defect, nobody has to name it. */
function onlyLabel(choice, item) {
  return needsLabel(choice, item) && item.labels.length === 1 ? item.labels[0] : "";
}

const needsLabel = (choice, item) =>
  choice === "missed_defect" || (choice === "confirm" && item.needs_label);

async function goOn(begunAt = performance.now()) {
  const next = await items.forward();
  if (next) await swap(next, begunAt);
  else if (items.isEmpty) finish();
  else hint(said("none_here"));
}

/** Shows it; the promise is kept at once, so that the next key is taken. */
async function swap(item, begunAt) {
  put(item, begunAt).catch((error) => hint(error.message));
}

function finish() {
  stage?.close();
  stage = null;
  document.getElementById("panel").replaceChildren();
  const nothing = document.getElementById("nothing");
  nothing.textContent = said("none_left");
  nothing.hidden = false;
  root.dataset.part = root.dataset.shown = "";
  announce(said("none_left"));
}

const forward = once(() => goOn());
const backward = once(async () => {
  const before = await items.back();
  if (before) await swap(before);
});
const undo = once(async () => {
  await writing;
  const undone = await outbox.undoLast();
  if (!undone) {
    hint(said("nothing_to_undo"));
    return;
  }
  await outbox.pump();
  await swap(await items.open(undone.part, undone.offer));
  hint(said("undone", { part: undone.serial || undone.part }));
});
const look = once(async (part) => swap(await items.open(part)));

/** Marks what the verdict missed; once something is marked, the same key saves it. */
function draw(kind) {
  if (!stage || !decides || !stage.views.length) return;
  const { tool } = stage;
  if (tool?.kind === kind) {
    if (stage.marks.length) decide("missed_defect");
    else tool.end();
    return;
  }
  tool?.end();
  if (!labelOfMark(items.current)) {
    hint(said("choose_label"));
    focusField("other");
    return;
  }
  const begun = new Tool(kind, stage, {
    made: addMark,
    label: () => labelOfMark(items.current),
    radius: () => Number(document.querySelector("#brush-size input").value) / 2,
    left: () => pressTools(null),
  });
  pressTools(begun.kind);
}

function addMark(mark) {
  stage.marks.push(mark);
  showMarks();
}

function removeMark(mark) {
  stage.marks = stage.marks.filter((each) => each !== mark);
  showMarks();
}

function showMarks() {
  listMarks(stage.marks, removeMark);
  stage.repaint();
  announce(said("marks", { count: stage.marks.length }));
}

function press(action, isPressed) {
  document.querySelector(`.tools [data-do="${action}"]`)?.setAttribute("aria-pressed", String(isPressed));
}

function pressTools(kind) {
  press("missed_defect", kind === "box");
  press("brush", kind === "brush");
  const size = document.getElementById("brush-size");
  if (size) size.hidden = kind !== "brush";
}

const onView = (work) => () => stage?.active && work(stage.active);
const actions = {
  confirm: () => decide("confirm"),
  false_reject: () => decide("false_reject"),
  missed_defect: () => draw("box"),
  brush: () => draw("brush"),
  label: () => focusField("label"),
  note: () => focusField("note"),
  escalate: () => decide("escalate"),
  skip: () => decide("skip"),
  undo,
  next: forward,
  previous: backward,
  view: () => stage?.nextView(),
  zoom_in: onView((view) => view.zoomBy(1.5)),
  zoom_out: onView((view) => view.zoomBy(1 / 1.5)),
  zoom_full: onView((view) => view.zoomFull()),
  zoom_fit: onView((view) => view.zoomFit()),
  pan_left: onView((view) => view.panBy(-0.25, 0)),
  pan_right: onView((view) => view.panBy(0.25, 0)),
  pan_up: onView((view) => view.panBy(0, -0.25)),
  pan_down: onView((view) => view.panBy(0, 0.25)),
  overlay: () => overlays.cycle(),
  golden: async () => stage && press("golden", await stage.toggleGolden()),
  blink: async () => stage && press("blink", await stage.toggleBlink()),
  help: () => document.getElementById("keys").showModal(),
};

bindKeys(actions, {
  first: (event) => Boolean(stage?.tool?.key(event)),
  hold: (isHeld) => overlays.hold(isHeld),
});
root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]();
});
document.getElementById("save-marks")?.addEventListener("click", () => decide("missed_defect"));
document.getElementById("decision")?.addEventListener("submit", (event) => event.preventDefault());
showOutbox(outbox, look);
outbox.start();
put(firstItem);
