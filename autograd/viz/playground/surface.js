// The output over the input plane with the data, and the visitor's own points.

const REACH = 12; // pixels from a point within which a click takes it away
let pen = 1, cross = null, cursor = null; // the class of new points; where the keyboard is

const toPixel = (j, x, size) => { const [low, high] = given.box[j], t = (x - low) / (high - low); return (j === 1 ? 1 - t : t) * size; };
const fromPixel = (j, p, size) => { const [low, high] = given.box[j], t = p / size; return low + (j === 1 ? 1 - t : t) * (high - low); };
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

function drawSurface() {
  if (features === 2) {
    const over = frame ? plane : fine, { data } = outputs(over, variant.output), wide = data.length / over.n;
    let most = 1e-12;
    if (task.kind === "regression") for (const x of data) most = Math.max(most, Math.abs(x));
    picture(byId("surface"), over.side, (i) => {
      if (task.kind === "binary") return shaded((2 * sigmoid(data[i]) - 1) * 0.62);
      if (task.kind === "regression") return shaded((data[i] / most) * 0.62);
      return likely(data, i, wide);
    });
  }
  drawPoints();
}
function likely(data, i, wide) { // the colors of the classes, mixed by their probabilities
  let top = -Infinity, sum = 0;
  for (let j = 0; j < wide; j++) top = Math.max(top, data[i * wide + j]);
  const color = [0, 0, 0];
  for (let j = 0; j < wide; j++) sum += Math.exp(data[i * wide + j] - top);
  for (let j = 0; j < wide; j++) { const p = Math.exp(data[i * wide + j] - top) / sum, c = palette.classes[j % CLASSES.length]; for (let a = 0; a < 3; a++) color[a] += p * c[a]; }
  return mixed(color.map(Math.round), palette.zero, 0.38);
}
const colorOf = (y) => (task.kind === "regression" ? css(shaded(y / (given.most || 1))) : css(palette.classes[y % CLASSES.length]));
function drawPoints() {
  const { pen: p, width, height } = sharp(byId("points"));
  if (features === 1) { drawCurveOfOutput(p, width, height); return; }
  if (features > 2) { drawOutputs(p, width, height); return; }
  const dot = (set, i, hollow, mine) => {
    p.beginPath();
    p.arc(toPixel(0, set.x[2 * i], width), toPixel(1, set.x[2 * i + 1], height), mine ? 5 : 3.6, 0, 7);
    p.fillStyle = hollow ? palette.panel : colorOf(set.y[i]);
    p.strokeStyle = hollow ? colorOf(set.y[i]) : mine ? palette.ink : palette.panel;
    p.lineWidth = hollow || mine ? 1.8 : 1;
    p.fill();
    p.stroke();
  };
  if (byId("tests") && byId("tests").checked) for (let i = 0; i < test.n; i++) dot(test, i, true, false);
  for (let i = 0; i < train.n; i++) dot(train, i, false, i >= train.n - own);
  if (cursor) { p.strokeStyle = palette.ink; p.lineWidth = 1.5; p.beginPath(); const x = toPixel(0, cursor[0], width), y = toPixel(1, cursor[1], height); p.moveTo(x - 8, y); p.lineTo(x + 8, y); p.moveTo(x, y - 8); p.lineTo(x, y + 8); p.stroke(); }
}
function drawCurveOfOutput(p, width, height) {
  const { data } = outputs(plane, variant.output), binary = task.kind === "binary", wide = data.length / plane.n;
  const value = (i) => (binary ? sigmoid(data[i]) : data[i * wide]), all = [...train.y, ...test.y];
  for (let i = 0; i < plane.n; i++) all.push(value(i));
  const low = Math.min(...all), high = Math.max(...all), at = (y) => height - 10 - ((y - low) / (high - low || 1)) * (height - 20);
  p.beginPath();
  for (let i = 0; i < plane.n; i++) p.lineTo(toPixel(0, plane.x[i], width), at(value(i)));
  p.strokeStyle = palette.accent; p.lineWidth = 2.5; p.stroke();
  for (let i = 0; i < train.n; i++) { p.beginPath(); p.arc(toPixel(0, train.x[i], width), at(train.y[i]), 3.4, 0, 7); p.fillStyle = task.classes ? colorOf(train.y[i]) : palette.ink; p.fill(); }
}
function drawOutputs(p, width, height) { // as histograms, by class
  const set = train.n ? train : chosen.train, { data } = outputs(set, variant.output), wide = data.length / set.n;
  p.clearRect(0, 0, width, height);
  drawHistogram(byId("points"), (i) => (wide === 1 ? data[i] : data[i * wide + Math.min(set.y[i], wide - 1)]), set);
}

// ---- points of the visitor's own ------------------------------------------------------------------------

function add(x, y, c) {
  const close = nearest(x, y);
  if (close >= 0) remove(close);
  else { train.x.push(x, y); train.y.push(c); train.n += 1; own += 1; }
  changedData();
}
function nearest(x, y) { // one of the visitor's points there
  const { width, height } = byId("points").getBoundingClientRect();
  for (let i = train.n - own; i < train.n; i++)
    if (Math.hypot(toPixel(0, train.x[2 * i], width) - toPixel(0, x, width), toPixel(1, train.x[2 * i + 1], height) - toPixel(1, y, height)) < REACH) return i;
  return -1;
}
function remove(i) { train.x.splice(2 * i, 2); train.y.splice(i, 1); train.n -= 1; own -= 1; }
function changedData() {
  order = [];
  trouble = "";
  keep();
  redraw();
  sayData();
}
function sayData() {
  byId("said").textContent = `${train.n} samples to train on${own ? `, ${own} of them yours` : ""}${test.n ? `; ${test.n} to test on` : ""}`;
  for (const id of ["undo", "original"]) if (byId(id)) byId(id).disabled = id === "undo" ? !own : train.n === chosen.train.n && !own;
}
function buildPens() {
  const area = byId("pens");
  const key = task.kind === "regression" ? "" : features > 2 ? `${task.classes > 2 ? "Each sample's output for its own class" : "The samples' outputs"}, as a histogram in the colors of the classes.` : "";
  byId("key").textContent = key;
  if (test.n && features === 2) area.append(make("label", {}, make("input", { type: "checkbox", id: "tests" }), " test samples"));
  if (features !== 2 || task.kind === "regression") { if (area.firstChild) byId("tests").addEventListener("change", redraw); return; }
  for (let c = 0; c < Math.min(task.classes, 6); c++) {
    const button = make("button", { type: "button", class: "pen", "aria-pressed": String(c === pen), "aria-label": `new points are of class ${c}` }, make("span", { class: "dot", style: `background:var(${CLASSES[c]})` }), ` class ${c}`);
    button.addEventListener("click", () => { pen = c; area.querySelectorAll(".pen").forEach((b, i) => b.setAttribute("aria-pressed", String(i === c))); });
    area.append(button);
  }
  const act = (id, text, f) => { const b = make("button", { type: "button", id }, text); b.addEventListener("click", () => { f(); changedData(); }); area.append(b); };
  act("undo", "undo", () => own && remove(train.n - 1));
  act("clear", "no samples", () => { train = { x: [], y: [], n: 0 }; own = 0; });
  act("original", "the page's samples", () => { train = copied(chosen.train); own = 0; });
  byId("key").textContent = "Click to add a point of your own, click it again to take it away. With keys: arrows, then 0 or 1.";
  if (byId("tests")) byId("tests").addEventListener("change", redraw);
  const pad = byId("plane");
  pad.classList.add("pen");
  byId("points").addEventListener("click", (e) => {
    const { left, top, width, height } = byId("points").getBoundingClientRect();
    add(fromPixel(0, e.clientX - left, width), fromPixel(1, e.clientY - top, height), e.shiftKey ? (pen + 1) % task.classes : pen);
  });
  pad.addEventListener("keydown", (e) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key], c = "012345".indexOf(e.key);
    if (!cursor) cursor = given.box.map(([a, b]) => (a + b) / 2);
    if (move) cursor = cursor.map((x, j) => Math.min(Math.max(x + (move[j] * (given.box[j][1] - given.box[j][0])) / 40, given.box[j][0]), given.box[j][1]));
    else if (e.key === "Enter" || e.key === " ") add(...cursor, pen);
    else if (c >= 0 && c < task.classes) add(...cursor, c);
    else return;
    e.preventDefault();
    drawPoints();
  });
  pad.addEventListener("blur", () => { cursor = null; drawPoints(); });
}
