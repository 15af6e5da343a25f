// Watches the bench from inside its page: key → next picture drawn, key → decision acknowledged.

(() => {
  const KEY = "f";
  const LATER_MS = 400;
  const measured = { swaps: [], acks: [], sent: [] };
  window.measured = measured;
  const pressed = []; // when, of decisions that are not acknowledged yet
  let asked = null;

  addEventListener(
    "keydown",
    (event) => {
      if (event.key !== KEY || event.repeat) return;
      pressed.push(event.timeStamp);
      asked = { at: event.timeStamp, part: document.getElementById("bench").dataset.shown };
    },
    true,
  );

  /** The picture as few pixels, from the canvas that is seen. */
  function seen() {
    const drawn = document.querySelector(".stage:not(.behind) .openseadragon-canvas canvas:not(.over)");
    const small = new OffscreenCanvas(64, 48);
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(drawn, 0, 0, 64, 48);
    return context.getImageData(0, 0, 64, 48).data;
  }

  function isDrawn({ at }) {
    const ms = performance.now() - at;
    const now = seen();
    const isEmpty = !now.some((value) => value > 0);
    setTimeout(() => {
      const later = seen();
      measured.swaps.push({ ms, differs: isEmpty || now.some((value, place) => Math.abs(value - later[place]) > 2) });
    }, LATER_MS);
  }

  function changed(root) {
    if (asked && root.dataset.shown && root.dataset.shown !== asked.part) {
      const swap = asked;
      asked = null;
      requestAnimationFrame(() => isDrawn(swap)); // the frame before this one is on the screen
    }
    while (Number(root.dataset.acks ?? 0) > measured.acks.length) {
      measured.acks.push(performance.now() - pressed[measured.acks.length]);
      measured.sent.push(Number(root.dataset.ackMs));
    }
  }

  addEventListener("DOMContentLoaded", () => {
    const root = document.getElementById("bench");
    if (root) new MutationObserver(() => changed(root)).observe(root, { attributes: true });
  });
})();
