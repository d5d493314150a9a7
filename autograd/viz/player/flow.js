// Arrows: values flow along them forward, and contributions to gradients back.
//
// An arrow turns where a gradient has flowed. Its width follows the size of the contribution, its
// color the sign. A token runs along the arrows of the current step.

const RUN = 450; // milliseconds
const FEW = 8; // most arrows of a step whose tokens carry numbers
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

function arrow(p) {
  const points = [[p[0], p[1]]];
  let d = `M${p[0]},${p[1]}`;
  for (let j = 2; j < p.length; j += 6) {
    d += `C${p.slice(j, j + 6).join(",")}`;
    for (let s = 1; s <= 8; s++) {
      const t = s / 8, weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
      points.push([0, 1].map((axis) => weights.reduce((sum, w, i) => sum + w * p[j - 2 + 2 * i + axis], 0)));
    }
  }
  const lengths = [0];
  points.forEach(([x, y], i) => { if (i) lengths.push(lengths[i - 1] + Math.hypot(x - points[i - 1][0], y - points[i - 1][1])); });
  const n = p.length, length = lengths[lengths.length - 1];
  const tip = (x, y, px, py) => ({ x, y, angle: (Math.atan2(y - py, x - px) * 180) / Math.PI });
  return { line: draw("path", { class: "edge", d }), tip: draw("path", { class: "tip", d: "M0,0l-8,-3.5v7z" }), points, lengths, length,
    ends: [tip(p[0], p[1], p[2], p[3]), tip(p[n - 2], p[n - 1], p[n - 4], p[n - 3])], was: {} };
}
function pointAt(edge, share) {
  const { points, lengths, length } = edge, goal = share * length;
  let i = 1;
  while (i < points.length - 1 && lengths[i] < goal) i++;
  const part = (goal - lengths[i - 1]) / (lengths[i] - lengths[i - 1] || 1);
  return [0, 1].map((axis) => points[i - 1][axis] + part * (points[i][axis] - points[i - 1][axis]));
}

// For each edge of a view, the uses that it stands for: event `from` is an input of event `user`.
const uses = new Map();
function usesIn(g) {
  if (uses.has(g)) return uses.get(g);
  const { items, edges: pairs } = groups[g];
  const place = new Map(items.map(([kind, k], i) => [kind + k, i]));
  const home = (k) => { let at = of[k]; if (at === g) return place.get(`e${k}`); while (at >= 0 && groups[at].parent !== g) at = groups[at].parent; return place.get(at >= 0 ? `g${at}` : `e${k}`); };
  const found = pairs.map(() => []), index = new Map(pairs.map(([a, b], i) => [a * items.length + b, i]));
  const mine = new Set(members[g]), outer = new Set();
  const add = (user, inner) => (events[user].inputs || []).forEach((place) => {
    if (place.from === undefined || (!inner && !mine.has(place.from))) return;
    const i = index.get(home(place.from) * items.length + home(user));
    if (i !== undefined) found[i].push({ from: place.from, user, place });
  });
  members[g].forEach((k) => { add(k, true); users[k].forEach((u) => { if (!mine.has(u)) outer.add(u); }); });
  outer.forEach((u) => add(u, false));
  uses.set(g, found);
  return found;
}

// What some uses bring back: a size with its sign, or without one for arrays; null if nothing.
function brought(found) {
  const outs = found.map((use) => use.place.out);
  if (!outs.length) return null;
  const single = found.every((use) => isNumber(use.from)), odd = outs.find((x) => typeof x === "string");
  if (odd !== undefined) return { size: odd, single };
  if (single && found.every((use) => use.from === found[0].from)) return { size: outs.reduce((a, b) => a + b, 0), single, exact: true };
  return { size: outs.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a)), single, exact: outs.length === 1 };
}

let told = null; // the step whose tokens are on the page
function flow(step, now) {
  const all = usesIn(view), running = [];
  const here = step && ((use) => (step.g === undefined ? use.user === step.k : within(of[use.user], step.g)));
  edges.forEach((edge, i) => {
    const returned = all[i].filter((use) => use.place.out !== undefined && backAt(use.user) <= now);
    const back = brought(returned), active = step ? all[i].filter((use) => here(use) && (!step.back || use.place.out !== undefined)) : [];
    const taken = all[i].some((use) => use.user <= now);
    let kind = taken ? "taken" : "ahead", width = 1.2;
    if (back) {
      kind = typeof back.size === "string" ? "odd" : !back.size ? "nil" : !back.single ? "warm" : back.size > 0 ? "plus" : "minus";
      width = back.size && typeof back.size === "number" ? 1.4 + 3.4 * degree(back.size) : 1.4;
    } else if (active.length) width = 2.6;
    const turned = Boolean(back), size = 0.8 + 0.22 * width;
    const name = `${kind}${turned ? " back" : ""}${active.length ? " now" : ""}`;
    put(edge, "line", `edge ${name}`, (x) => { edge.line.setAttribute("class", x); edge.tip.setAttribute("class", `tip ${name}`); });
    put(edge, "shape", `${width.toFixed(2)} ${turned}`, () => {
      const { x, y, angle } = edge.ends[turned ? 0 : 1], cut = Math.min(7 * size, edge.length / 2);
      edge.line.style.strokeWidth = width.toFixed(2);
      edge.line.setAttribute("stroke-dasharray", turned ? `0 ${cut} ${edge.length}` : `${edge.length - cut} ${edge.length}`);
      edge.tip.setAttribute("transform", `translate(${x},${y}) rotate(${angle.toFixed(1)}) scale(${size.toFixed(2)})`);
    });
    if (active.length) running.push({ edge, found: active, kind });
  });
  const key = step ? `${view} ${step.at} ${update}` : null;
  if (key !== told || !byId("tokens")) tokens(running, step);
  told = key;
  return running.map(({ edge }) => edge);
}

// The number that a token carries.
function carried(found, back) {
  const { from } = found[0], same = found.every((use) => use.from === from);
  if (back) { const all = brought(found); return all.exact ? signed(all.size, all.single) : "∂"; }
  const { value } = events[from];
  if (!same || !value) return "…";
  return value.number !== undefined ? number(value.number, 3) : value.rms === undefined ? shape(value) : `rms ${number(value.rms, 2)}`;
}

function tokens(running, step) {
  const layer = byId("tokens") || byId("graph").appendChild(draw("g", { id: "tokens", "aria-hidden": "true" }));
  layer.replaceChildren();
  const taken = [], moving = !still.matches && !scrubbing;
  const run = (token, way) => token.animate(way.map(([px, py]) => ({ transform: `translate(${px.toFixed(1)}px,${py.toFixed(1)}px)` })), { duration: Math.min(RUN, 0.6 * (PAUSE / speed)), easing: "ease-out" });
  if (running.length > FEW) { // too many numbers to read: dots, while they move
    if (moving) running.slice(0, 60).forEach(({ edge, kind }) => {
      const dot = draw("g", { class: `token ${step.back ? kind : "forward"}` });
      dot.append(draw("circle", { r: 4 }));
      layer.append(dot);
      run(dot, Array.from({ length: 9 }, (_, i) => pointAt(edge, step.back ? 1 - i / 8 : i / 8))).onfinish = () => dot.remove();
    });
    return;
  }
  running.forEach(({ edge, found, kind }) => {
    const text = carried(found, step.back), wide = 6.6 * text.length + 9;
    const stop = step.back ? 0.3 : 0.5; // contributions part from each other on their way back
    let [x, y] = pointAt(edge, stop);
    const [[ax, ay], [bx, by]] = [pointAt(edge, stop - 0.1), pointAt(edge, stop + 0.1)];
    if (Math.abs(bx - ax) < Math.abs(by - ay)) x += wide / 2 + 8; // beside the arrow, so that its tip is seen
    else y -= 14;
    while (taken.some(([a, b, w]) => Math.abs(a - x) < (w + wide) / 2 && Math.abs(b - y) < 18)) y += 6;
    taken.push([x, y, wide]);
    const token = draw("g", { class: `token ${step.back ? kind : "forward"}`, transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` });
    token.append(draw("rect", { x: -wide / 2, y: -8, width: wide, height: 16, rx: 8 }), draw("text", { y: 4 }, text));
    layer.append(token);
    if (!moving) return;
    const way = Array.from({ length: 9 }, (_, i) => pointAt(edge, step.back ? 1 - (i / 8) * (1 - stop) : (i / 8) * stop));
    way[8] = [x, y];
    run(token, way);
  });
}
