// Draws each chart from the table beneath it; without this script the tables are all there is, and they say it all.
// Needs vendor/uPlot.iife.min.js before it.

const LINES = ["--line-1", "--line-2", "--line-3", "--line-4"];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]]; // lines differ without colour too

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function number(text) {
  return text === "" ? null : Number(text);
}

function read(table) {
  const rows = [...table.tBodies[0].rows];
  const labels = rows.map((row) => row.cells[0].dataset.value);
  const isNumeric = labels.every((label) => label !== "" && Number.isFinite(Number(label)));
  const heads = [...table.tHead.rows[0].cells].slice(1);
  return {
    labels,
    isNumeric,
    x: isNumeric ? labels.map(Number) : labels.map((_, place) => place),
    series: heads.map((head, column) => ({
      label: head.textContent,
      kind: head.dataset.kind,
      values: rows.map((row) => number(row.cells[column + 1].dataset.value)),
    })),
  };
}

function look(series, place) {
  const stroke = series.kind === "limit" ? colour("--reject-edge") : colour(LINES[place % LINES.length]);
  const base = { label: series.label, stroke, width: 2, spanGaps: false };
  if (series.kind === "limit") return { ...base, width: 1.5, dash: [6, 4], points: { show: false } };
  if (series.kind === "points") return { ...base, paths: () => null, points: { show: true, size: 7, fill: stroke } };
  if (series.kind === "bars") return { ...base, fill: stroke, paths: uPlot.paths.bars({ size: [0.7, 60] }) };
  return { ...base, dash: DASHES[place % DASHES.length], points: { show: series.values.length <= 60, size: 6 } };
}

function draw(figure) {
  const place = figure.querySelector(".plot");
  const table = read(figure.querySelector("table"));
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const axis = {
    stroke: colour("--soft"),
    grid: { stroke: colour("--hair"), width: 1 },
    ticks: { stroke: colour("--hair") },
    font: `${Math.round(rem * 0.8)}px ${colour("--sans")}`,
    size: rem * 3,
  };
  const every = Math.max(1, Math.ceil((table.x.length * rem * 5.5) / Math.max(place.clientWidth, 200)));
  const marked = table.x.filter((at) => at % every === 0);
  const words = (_, places) => places.map((at) => (Number.isInteger(at) ? (table.labels[at] ?? "") : ""));
  const options = {
    width: Math.max(place.clientWidth, 200),
    height: (Number(figure.dataset.height) * rem) / 16,
    cursor: { points: { size: 8 } },
    scales: { x: { time: false, ...(table.isNumeric ? {} : { range: [-0.6, table.x.length - 0.4] }) } },
    axes: [table.isNumeric ? axis : { ...axis, values: words, splits: () => marked }, { ...axis, size: rem * 4 }],
    series: [{ label: figure.querySelector("thead th").textContent }, ...table.series.map(look)],
  };
  place.replaceChildren();
  const plot = new uPlot(options, [table.x, ...table.series.map((series) => series.values)], place);
  return () => plot.setSize({ width: Math.max(place.clientWidth, 200), height: options.height });
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure.chart")) {
    figure.dataset.drawn = "yes"; // before its width is measured
    const fit = draw(figure);
    new ResizeObserver(fit).observe(figure.querySelector(".plot"));
  }
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
