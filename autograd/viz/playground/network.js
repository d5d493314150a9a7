// The network: each neuron's output as a tile over the input plane, weights as lines between them.

const GRID = 40, FINE = 90; // samples on a side of the input plane: while training, and at rest
const MOST = 12; // most neurons of a layer that are shown
const planeOf = (side) => { // samples over the input plane, or along the only feature
  const n = features === 1 ? 120 : features === 2 ? side : 0, at = (j, i) => given.box[j][0] + ((i + 0.5) / n) * (given.box[j][1] - given.box[j][0]);
  if (!n) return null;
  const x = new Float64Array(features === 1 ? n : 2 * n * n);
  if (features === 1) for (let i = 0; i < n; i++) x[i] = at(0, i);
  else for (let i = 0; i < n * n; i++) { x[2 * i] = at(0, i % n); x[2 * i + 1] = at(1, Math.floor(i / n)); }
  return { x, n: x.length / features, side: n };
};
const plane = planeOf(GRID), fine = planeOf(FINE);
let tiles = [], lines = [], selected = null;

const layers = () => variant.layers;
const widthOf = (layer) => variant.player.events[layer.event].value.shape[1] || 1;
const isLast = (l) => l === layers().length - 1;
const label = (l, j) => (l === 0 && layers()[0].event === variant.samples ? given.names[j] : isLast(l) ? (widthOf(layers()[l]) > 1 ? `output ${j}` : "output") : `neuron ${j + 1} of layer ${l}`);

function buildNetwork() {
  const area = byId("layers");
  area.querySelectorAll(".layer").forEach((e) => e.remove());
  tiles = [];
  layers().forEach((layer, l) => {
    const wide = widthOf(layer), column = make("div", { class: "layer" });
    column.append(make("p", {}, l === 0 && layer.event === variant.samples ? "input" : isLast(l) ? "output" : layer.title));
    for (let j = 0; j < Math.min(wide, MOST); j++) {
      const canvas = make("canvas", {}), button = make("button", { type: "button", class: "tile", "aria-label": label(l, j), "aria-pressed": "false" }, canvas);
      if (l === 0 && layer.event === variant.samples) button.append(make("span", {}, given.names[j]));
      button.addEventListener("click", () => select(l, j));
      button.addEventListener("mouseenter", () => hint(button, label(l, j), ""));
      button.addEventListener("mouseleave", unhint);
      column.append(button);
      tiles.push({ l, j, button, canvas });
    }
    if (wide > MOST) column.append(make("p", {}, `and ${wide - MOST} more`));
    area.append(column);
  });
  selected = null;
  select(layers().length - 1, 0);
  buildLines();
  byId("netsays").textContent = plane ? `Each tile is one neuron's output ${features === 1 ? "along the input" : "over the input plane"}; each line is a weight: as thick as it is large, orange above 0 and blue below. Choose a neuron to change its weights.`
    : "Each tile is the histogram of one neuron's output over the samples; each line is a weight.";
}
function buildLines() {
  const svg = byId("edges"), box = byId("layers").getBoundingClientRect();
  svg.replaceChildren();
  svg.setAttribute("width", byId("layers").scrollWidth);
  svg.setAttribute("height", byId("layers").scrollHeight);
  lines = [];
  const place = (l, j) => { const t = tiles.find((a) => a.l === l && a.j === j); return t && t.button.getBoundingClientRect(); };
  layers().forEach((layer, l) => layer.maps.forEach((map) => {
    for (let j = 0; j < Math.min(widthOf(layer), MOST); j++) for (let i = 0; i < Math.min(widthOf(layers()[map.from]), MOST); i++) {
      const a = place(map.from, i), b = place(l, j);
      if (!a || !b) continue;
      const x = a.right - box.left, y = (a.top + a.bottom) / 2 - box.top, x2 = b.left - box.left, y2 = (b.top + b.bottom) / 2 - box.top, m = (x + x2) / 2;
      const d = `M${x},${y}C${m},${y} ${m},${y2} ${x2},${y2}`;
      const line = draw("path", { class: "weight", d }), reach = draw("path", { class: "reach", d });
      const edge = { map, l, i, j, line };
      reach.addEventListener("mouseenter", (e) => { line.classList.add("on"); const w = weightOf(edge); hint(reach, `${w.name} = ${number(w.value)}`, `∂loss = ${number(w.gradient)}; drag up or down`, e); });
      reach.addEventListener("mouseleave", () => { line.classList.remove("on"); unhint(); });
      dragLine(reach, edge);
      svg.append(line, reach);
      lines.push(edge);
    }
  }));
}
// Where a weight is in its array, and its number and gradient now.
function weightOf({ map, l, i, j }) {
  const [, inner] = variant.player.events[map.weight].value.shape, at = map.across ? i * inner + j : j * inner + i;
  const name = `${titleOf(map.weight)}[${map.across ? [i, j] : [j, i]}]`.replace(",", ", ");
  return { k: map.weight, at, name, value: live.value(map.weight).data[at], gradient: live.gradient(map.weight).data[at], l };
}
const titleOf = (k) => (variant.parameters.find(([p]) => p === k) || [k, "weight"])[1];
function setWeight(k, at, x) {
  if (!Number.isFinite(x)) return;
  const data = live.value(k).data.slice();
  data[at] = x;
  live.set(k, data);
  keep();
  redraw();
}
function dragLine(reach, edge) {
  let from = null;
  reach.addEventListener("pointerdown", (e) => { if (e.pointerType === "touch") return; from = { y: e.clientY, value: weightOf(edge).value }; reach.setPointerCapture(e.pointerId); e.preventDefault(); });
  reach.addEventListener("pointermove", (e) => {
    if (!from) return;
    const w = weightOf(edge);
    setWeight(w.k, w.at, +(from.value + (from.y - e.clientY) / 50).toPrecision(6));
    hint(reach, `${w.name} = ${number(weightOf(edge).value)}`, "", e);
  });
  ["pointerup", "pointercancel"].forEach((on) => reach.addEventListener(on, () => { from = null; }));
}
function hint(at, text, more, e) {
  const tip = byId("tip"), area = byId("net").getBoundingClientRect(), box = e ? { left: e.clientX, top: e.clientY } : at.getBoundingClientRect();
  tip.replaceChildren(make("b", {}, text), ...(more ? [make("br"), more] : []));
  tip.hidden = false;
  tip.style.left = `${Math.min(Math.max(box.left - area.left, 4), area.width - tip.offsetWidth - 4)}px`;
  tip.style.top = `${Math.max(box.top - area.top - tip.offsetHeight - 10, 0)}px`;
}
const unhint = () => { byId("tip").hidden = true; };

// Draw the tiles and lines with the numbers of now.
function drawNetwork() {
  layers().forEach((layer, l) => {
    const set = plane || (train.n ? train : chosen.train), { data } = outputs(set, layer.event), wide = data.length / set.n;
    for (const { j, canvas } of tiles.filter((t) => t.l === l)) {
      const column = (i) => data[i * wide + j];
      if (features === 2) drawMap(canvas, column, set.n);
      else if (features === 1) drawLine(canvas, column, set.n);
      else drawHistogram(canvas, column, set);
    }
  });
  for (const edge of lines) {
    const { value } = weightOf(edge), t = Math.min(Math.abs(value) / 2, 1);
    edge.line.style.strokeWidth = (0.4 + 5 * t).toFixed(2);
    edge.line.style.stroke = css(mixed(palette.zero, value < 0 ? palette.minus : palette.plus, 0.35 + 0.65 * t));
  }
}
function drawMap(canvas, column, n) {
  let most = 1e-12;
  for (let i = 0; i < n; i++) most = Math.max(most, Math.abs(column(i)));
  picture(canvas, plane.side, (i) => shaded(column(i) / most));
}
function drawLine(canvas, column, n) {
  const { pen, width, height } = sharp(canvas);
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < n; i++) { low = Math.min(low, column(i)); high = Math.max(high, column(i)); }
  pen.beginPath();
  for (let i = 0; i < n; i++) pen.lineTo((i / (n - 1)) * width, height - 4 - ((column(i) - low) / (high - low || 1)) * (height - 8));
  pen.strokeStyle = palette.accent;
  pen.lineWidth = 2;
  pen.stroke();
}
const BINS = 12;
function drawHistogram(canvas, column, set) {
  const { pen, width, height } = sharp(canvas), kinds = Math.max(task.classes, 1);
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < set.n; i++) { low = Math.min(low, column(i)); high = Math.max(high, column(i)); }
  const counts = Array.from({ length: kinds }, () => new Array(BINS).fill(0));
  for (let i = 0; i < set.n; i++) counts[task.classes ? set.y[i] : 0][Math.min(Math.floor(((column(i) - low) / (high - low || 1)) * BINS), BINS - 1)] += 1;
  const sums = new Array(BINS).fill(0), most = Math.max(...sums.map((_, b) => counts.reduce((n, bins) => n + bins[b], 0)), 1);
  counts.forEach((bins, c) => bins.forEach((count, b) => { // one class on top of the other
    pen.fillStyle = task.classes ? css(palette.classes[c % CLASSES.length]) : palette.accent;
    sums[b] += count;
    pen.fillRect((b * width) / BINS, height - (sums[b] / most) * height, width / BINS - 1, (count / most) * height);
  }));
}

// ---- the chosen neuron, and its weights as sliders ---------------------------------------------------

function select(l, j) {
  selected = selected && selected.l === l && selected.j === j ? null : { l, j };
  tiles.forEach((t) => t.button.setAttribute("aria-pressed", String(Boolean(selected && t.l === selected.l && t.j === selected.j))));
  const panel = byId("neuron");
  panel.replaceChildren();
  if (!selected) return;
  const layer = layers()[l];
  panel.append(make("h3", {}, label(l, j)));
  if (!layer.maps.length) { panel.append(make("p", { class: "faint" }, "A feature of the samples; it has no weights.")); return; }
  panel.append(make("p", { class: "faint" }, isLast(l) ? "output = Σ w · input + b" : `${layer.title}(Σ w · input + b)`));
  for (const map of layer.maps) {
    for (let i = 0; i < Math.min(widthOf(layers()[map.from]), 64); i++) row(panel, () => weightOf({ map, l, i, j }), `from ${map.from === l - 1 ? label(map.from, i).replace(/ of layer.*/, "") : label(map.from, i)}`);
    if (map.bias !== null) row(panel, () => ({ k: map.bias, at: j, name: `${titleOf(map.bias)}[${j}]`, value: live.value(map.bias).data[j], gradient: live.gradient(map.bias).data[j] }), "bias");
  }
  drawNeuron();
}
function row(panel, weight, from) {
  const { name, k, at } = weight(), slider = make("input", { type: "range", min: "-4", max: "4", step: "0.01", "aria-label": name });
  const typed = make("input", { type: "number", step: "0.1", "aria-label": `${name}, ${from}` }), slope = make("span", { class: "slope" });
  slider.addEventListener("input", () => setWeight(k, at, +slider.value));
  typed.addEventListener("change", () => typed.value !== "" && setWeight(k, at, +typed.value));
  const line = make("div", { class: "row" }, make("span", { class: "name", title: name }, from), slider, typed, slope);
  line.refresh = () => {
    const { value, gradient } = weight();
    slider.min = Math.min(-4, 2 * value);
    slider.max = Math.max(4, 2 * value);
    slider.value = value;
    if (document.activeElement !== typed) typed.value = +value.toPrecision(5);
    slope.textContent = `∂ ${number(gradient, 3)}`;
  };
  panel.append(line);
}
const drawNeuron = () => byId("neuron").querySelectorAll(".row").forEach((line) => line.refresh());
