// COCO's compressed run lengths of what was painted; pixels column by column, unpainted first.

/**
 * box: [x0, y0, x1, y1] of the mask, end-exclusive, in pixels of the frame; mask: its pixels, row by row.
 * Everything outside of the box is unpainted.
 */
export function runsOf({ mask, box }, width, height) {
  const [x0, y0, x1, y1] = box;
  const across = x1 - x0;
  const counts = [];
  let [isPainted, run] = [0, x0 * height];
  const add = (value, length) => {
    if (!length) return;
    if (value === isPainted) run += length;
    else {
      counts.push(run);
      [isPainted, run] = [value, length];
    }
  };
  for (let x = 0; x < across; x += 1) {
    add(0, y0);
    for (let y = 0; y < y1 - y0; y += 1) add(mask[y * across + x] ? 1 : 0, 1);
    add(0, height - y1);
  }
  add(0, (width - x1) * height);
  counts.push(run);
  return counts;
}

/** As text, five bits a letter, differences from the run before the last. */
export function packed(counts) {
  let text = "";
  counts.forEach((count, place) => {
    let rest = place > 2 ? count - counts[place - 2] : count;
    for (let more = true; more; ) {
      let bits = rest & 0x1f;
      rest >>= 5;
      more = bits & 0x10 ? rest !== -1 : rest !== 0;
      if (more) bits |= 0x20;
      text += String.fromCharCode(bits + 48);
    }
  });
  return text;
}

/** Pixels whose middle lies within a stroke; the box around them. Null where there is none. */
export function maskOf(strokes, width, height) {
  const reach = strokes.flatMap(({ points, radius }) =>
    points.map(([x, y]) => [x - radius, y - radius, x + radius, y + radius]),
  );
  const x0 = clamp(Math.floor(Math.min(...reach.map((each) => each[0]))), width);
  const y0 = clamp(Math.floor(Math.min(...reach.map((each) => each[1]))), height);
  const x1 = clamp(Math.ceil(Math.max(...reach.map((each) => each[2]))), width);
  const y1 = clamp(Math.ceil(Math.max(...reach.map((each) => each[3]))), height);
  if (x1 <= x0 || y1 <= y0) return null;
  const mask = new Uint8Array((x1 - x0) * (y1 - y0));
  for (const { points, radius } of strokes) {
    points.forEach((point, place) => fillAround(mask, [x0, y0, x1, y1], points[Math.max(0, place - 1)], point, radius));
  }
  return mask.includes(1) ? { mask, box: [x0, y0, x1, y1] } : null;
}

function fillAround(mask, [x0, y0, x1, y1], from, to, radius) {
  const across = x1 - x0;
  const [left, right] = [Math.min(from[0], to[0]) - radius, Math.max(from[0], to[0]) + radius];
  const [top, bottom] = [Math.min(from[1], to[1]) - radius, Math.max(from[1], to[1]) + radius];
  for (let y = Math.max(y0, Math.floor(top)); y < Math.min(y1, Math.ceil(bottom)); y += 1) {
    for (let x = Math.max(x0, Math.floor(left)); x < Math.min(x1, Math.ceil(right)); x += 1) {
      if (distance(x + 0.5, y + 0.5, from, to) <= radius) mask[(y - y0) * across + x - x0] = 1;
    }
  }
}

function distance(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length)) : 0;
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

const clamp = (value, most) => Math.min(most, Math.max(0, value));
