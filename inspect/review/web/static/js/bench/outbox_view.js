// Shows whether there is a connection, what waits, what was saved, and where two people disagree.

import { element, root, said } from "./page.js";

export function showOutbox(outbox, look) {
  const box = document.getElementById("outbox");
  const [text, ack, troubles] = [".text", ".ack", ".troubles"].map((name) => box.querySelector(name));

  function draw() {
    const waiting = outbox.mine("waiting").length;
    const state = outbox.isSignedOut ? "signed_out" : outbox.isOnline ? "online" : "offline";
    const parts = [said(state)];
    if (waiting) parts.push(said("waiting", { count: waiting }));
    for (const [who, count] of outbox.others()) parts.push(said("others", { who, count }));
    const sentence = parts.join(" · ");
    if (text.textContent !== sentence) text.textContent = sentence;
    box.dataset.state = outbox.isSignedOut ? "offline" : waiting && outbox.isOnline ? "waiting" : state;
    root.dataset.waiting = String(waiting);
    const shown = outbox.mine("conflict", "refused");
    const digest = shown.map((entry) => entry.order + entry.state).join();
    if (troubles.dataset.digest !== digest) {
      troubles.dataset.digest = digest;
      troubles.replaceChildren(...shown.map((entry) => trouble(outbox, entry, look)));
    }
  }

  outbox.addEventListener("change", draw);
  outbox.addEventListener("ack", ({ detail }) => {
    const { entry, tookMs } = detail;
    ack.textContent = `${said("kept")}: ${nameOf(entry)}`;
    root.dataset.ackMs = tookMs.toFixed(1);
    root.dataset.acks = String(Number(root.dataset.acks ?? 0) + 1);
  });
  draw();
}

function trouble(outbox, entry, look) {
  const choice = said(entry.choice in { undo: 1 } ? "undone" : entry.choice, { part: nameOf(entry) });
  const lookButton = button(said("look"), () => look(entry.part));
  if (entry.state === "refused") {
    const sentence = `${nameOf(entry)}: ${said("refused", { reason: entry.reason })}`;
    return element("li", { class: "refused-entry" }, element("p", {}, sentence), row(lookButton, button(said("drop"), () => outbox.drop(entry))));
  }
  const { other } = entry.answer;
  const sentence = said("conflict", { part: nameOf(entry), who: other.who, said: other.said, when: other.when });
  return element(
    "li",
    { class: "conflict" },
    element("p", {}, sentence, other.note ? element("q", {}, other.note) : ""),
    element("p", {}, said("mine", { said: choice })),
    row(
      button(said("keep_theirs"), () => outbox.drop(entry), "keep-theirs"),
      button(said("decide_anyway"), () => outbox.insist(entry), "decide-anyway"),
      lookButton,
    ),
  );
}

const nameOf = (entry) => entry.serial || entry.part;
const row = (...buttons) => element("div", { class: "actions" }, ...buttons);
const button = (text, onclick, kind = "") => element("button", { type: "button", class: kind, onclick }, text);
