// Over training: a second slider, over the updates of a run, and what the chosen node did meanwhile.

const updates = data.updates || null;
let snapshots = [], update = -1, wanted = null, lit = null, training = null, shown = {};

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text());
}
const stepAt = (u) => updates.steps[u];
const whole = (n) => n.toLocaleString("en");
const counted = (n, what) => `${whole(n)} ${what}${n === 1 ? "" : "s"}`;
const nearest = (step) => updates.steps.reduce((best, at, u) => (Math.abs(at - step) < Math.abs(stepAt(best) - step) ? u : best), 0);
// Where an update stands on the slider, from 0 to 1: between the snapshots around it.
function along(step) {
  const { steps } = updates, last = steps.length - 1;
  if (!last) return 0;
  let u = 0;
  while (u < last - 1 && steps[u + 1] <= step) u++;
  return Math.min(Math.max((u + (step - steps[u]) / (steps[u + 1] - steps[u])) / last, 0), 1);
}

// ---- the numbers of one update ----------------------------------------------------------------------

function take(u) {
  update = u;
  const [list] = snapshots[u];
  events.forEach((event, k) => {
    const now = list[k], noise = event.gradient && event.gradient.noise;
    if (now.v) event.value = now.v;
    if (event.gradient !== undefined) event.gradient = noise ? { ...now.g, noise } : now.g;
    event.dead = now.dead;
    event.saturated = now.saturated;
    delete event.numbers; // they are those of the first graph
    (now.c || []).forEach((part, i) => {
      if (!part) return;
      const place = event.inputs[i];
      [place.in, place.out, place.sum, place.local] = [sizeOf(event.gradient), ...part];
    });
  });
  groups.forEach((g) => Object.entries(g.states || {}).forEach(([name, states]) => { g.strips[name] = states.map((k) => { const norm = normOf(events[k].gradient); return typeof norm === "string" ? null : norm; }); }));
}
const elements = (d) => d.shape.reduce((a, b) => a * b, 1);
function normOf(d) {
  if (!d) return null;
  const size = sizeOf(d);
  return typeof size === "string" ? size : Math.abs(size) * Math.sqrt(elements(d));
}

function goToUpdate(u) {
  take(Math.min(Math.max(u, 0), snapshots.length - 1));
  strip();
  show();
  follow();
}

// ---- the slider, with the loss behind it --------------------------------------------------------------

function updateSlider() {
  const { losses: [at, ys], remarks } = updates, last = updates.steps.length - 1;
  const section = make("section", { id: "updates", "aria-label": "over training" });
  const go = make("button", { type: "button", id: "training", "aria-label": "play the training" }, "▶ training");
  const input = make("input", { type: "range", id: "update", min: 0, max: last, value: last, "aria-label": "update of the training" });
  const many = ys.length > 60, trend = many ? smoothed(ys) : ys;
  const known = trend.filter((y) => typeof y === "number"), low = Math.min(...known), high = Math.max(...known);
  const log = low > 0 && high > 30 * low, of = (y) => (log ? Math.log(y) : y);
  const y = (v) => (high > low ? Math.min(Math.max(35 - (30 * (of(Math.max(v, log ? low / 1e3 : v)) - of(low))) / (of(high) - of(low)), 1), 39) : 20);
  const words = known.length ? `loss from ${number(ys[0])} at update ${whole(at[0])} to ${number(ys[ys.length - 1])} at update ${whole(at[at.length - 1])}${log ? ", log scale" : ""}` : "no finite loss";
  const svg = draw("svg", { viewBox: "0 0 1000 40", preserveAspectRatio: "none", role: "img", "aria-label": words });
  remarks.slice(0, 6).forEach(({ first, last: end, now }, row) => {
    const x = 1000 * along(first), to = now ? 1000 : 1000 * along(end);
    svg.append(draw("rect", { class: "held", x, y: 39 - 4 * row, width: Math.max(to - x, 4), height: 2.5 }));
  });
  const trail = (values) => {
    let d = "", pen = "M";
    values.forEach((v, i) => { if (typeof v !== "number") { pen = "M"; return; } d += `${pen}${(1000 * along(at[i])).toFixed(1)},${y(v).toFixed(1)}`; pen = "L"; });
    return d;
  };
  const line = (values, kind) => svg.append(draw("path", { class: kind, d: trail(values), "vector-effect": "non-scaling-stroke" }));
  line(ys, many ? "loss each" : "loss");
  if (many) line(trend, "loss");
  section.append(go, make("div", { class: "track" }, svg, input), make("output", { id: "at", for: "update" }));
  if (updates.differs) {
    const [first, many] = updates.differs;
    section.append(make("p", { class: "faint" }, `From update ${whole(first)} on, ${many === 1 ? "one update" : counted(many, "update")} had another graph and ${many === 1 ? "is" : "are"} left out.`));
  }
  document.querySelector("main").before(section);
  byId("alive").hidden = true; // what is shown was kept, and is not computed anew
  input.addEventListener("input", () => { halt(); goToUpdate(+input.value); });
  input.addEventListener("keydown", (e) => { if (!e.ctrlKey && !e.metaKey && /^(Arrow|Home|End|Page)/.test(e.key)) e.stopPropagation(); });
  go.addEventListener("click", () => {
    if (training) { halt(); return; }
    if (update >= last) goToUpdate(0);
    go.textContent = "‖ training";
    go.setAttribute("aria-label", "pause the training");
    training = setInterval(() => { goToUpdate(update + 1); if (update >= last) halt(); }, 200);
  });
  go.disabled = input.disabled = !last;
  byId("keys").append(" · ", make("kbd", {}, ","), " ", make("kbd", {}, "."), " update");
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target === query || !",.".includes(e.key)) return;
    halt();
    goToUpdate(update + (e.key === "." ? 1 : -1));
  });
  if (remarks.length) document.querySelector("aside").prepend(remarked(remarks));
  byId("node").before(make("section", { id: "course", "aria-label": "the selected node over training" }));
}
// Medians of about a fortieth of the losses, so that the trend shows through the noise of batches.
function smoothed(ys) {
  const half = Math.ceil(ys.length / 80);
  return ys.map((_, i) => {
    const near = ys.slice(Math.max(i - half, 0), i + half + 1).filter((v) => typeof v === "number").sort((a, b) => a - b);
    return near[near.length >> 1];
  });
}
function halt() {
  clearInterval(training);
  training = null;
  byId("training").textContent = "▶ training";
  byId("training").setAttribute("aria-label", "play the training");
}
function remarked(remarks) {
  const list = make("ul"), details = make("details", { id: "remarks" }, make("summary"), list);
  remarks.forEach(({ text, first, last, now, event }) => {
    const when = now ? `since update ${whole(first)}` : `updates ${whole(first)} to ${whole(last)}`;
    const go = make("button", { type: "button", title: event === null ? "go to this update" : "go to this update and node" }, when);
    go.addEventListener("click", () => { goToUpdate(nearest(first)); if (event !== null) lightUp(event); });
    list.append(make("li", { "data-first": first, "data-last": now ? Infinity : last }, go, ` ${text}`));
  });
  details.open = remarks.length <= 3 && window.innerWidth > 760;
  return details;
}
// Opens the group of a node, with everything shown, and lights the node up; the focus stays.
function lightUp(k) {
  lit = k;
  finished = true;
  time = 2 * count;
  open(of[k]);
  choose(k);
  const box = boxes.find((b) => b.kind === "e" && b.k === k);
  if (box) scrollTo(box.g);
}
// What changed with the update: the slider's words, the remarks that hold, the cursors of the charts.
function follow() {
  const input = byId("update"), step = stepAt(update), [at, ys] = updates.losses;
  let i = at.length - 1;
  while (i > 0 && at[i] > step) i--;
  const loss = events.find((e) => e.root), said = at[i] === step ? ys[i] : loss && loss.value ? loss.value.number : undefined;
  input.value = update;
  byId("at").textContent = `update ${whole(step)} of ${whole(updates.last + 1)}${said === undefined ? "" : `, loss ${number(said)}`}`;
  input.setAttribute("aria-valuetext", byId("at").textContent);
  const remarks = [...document.querySelectorAll("#remarks li")], held = (li) => +li.dataset.first <= step && step <= +li.dataset.last;
  remarks.forEach((li) => li.classList.toggle("held", held(li)));
  if (remarks.length) document.querySelector("#remarks summary").textContent = `${counted(remarks.length, "remark")} on the training, ${remarks.filter(held).length} at this update`;
}

// ---- boxes: dead units, saturated elements, the node that an address points at -------------------------

const percent = (x) => `${(100 * x).toFixed(x < 0.1 ? 1 : 0)} %`;
const SATURATED = 0.8, DEAD = 0.5; // fractions that a remark is made of
function markOf(event) {
  if (event.dead) return { text: `${percent(event.dead)} dead`, bad: event.dead >= DEAD };
  if (event.saturated) return { text: `${percent(event.saturated)} saturated`, bad: event.saturated >= SATURATED };
  return {};
}
// Of a closed group, the box in it that is worst.
function markWithin(g) {
  const worst = (k) => events[k].dead || events[k].saturated, bad = members[g].filter((k) => markOf(events[k]).bad);
  if (!bad.length) return {};
  const k = bad.reduce((a, b) => (worst(b) > worst(a) ? b : a));
  return { text: `${nameOf(k)}: ${markOf(events[k]).text}`, bad: true };
}
function marks() {
  boxes.forEach(({ g, kind, k, was }) => {
    g.classList.toggle("lit", kind === "e" && k === lit);
    const old = g.querySelector(".mark"), { text, bad } = kind === "e" ? markOf(events[k]) : markWithin(k);
    if (!text || g.classList.contains("unreached")) { if (old) { old.remove(); g.setAttribute("aria-label", was.label); } return; }
    const mark = old || draw("text", { class: "mark", y: -3 });
    mark.setAttribute("x", g.querySelector("rect").getAttribute("width") - 6);
    mark.textContent = text;
    g.classList.toggle("warned", bad);
    if (!old) g.append(mark);
    g.setAttribute("aria-label", `${was.label}, ${text}`);
  });
}

// ---- the chosen node over all updates --------------------------------------------------------------------

const WIDE = 300, TALL = 74;
function course() {
  if (!updates || !snapshots.length) return;
  const panel = byId("course");
  if (shown.k !== chosen) {
    shown = { k: chosen, cursors: [] };
    panel.replaceChildren();
    panel.hidden = chosen === null;
    if (chosen !== null) chartsOf(chosen, panel);
  }
  shown.cursors.forEach((move) => move());
}
function chartsOf(k, panel) {
  const at = snapshots.map(([list]) => list[k]);
  panel.append(make("h2", {}, `${nameOf(k)} over ${counted(snapshots.length, "update")}`));
  const scalar = at.every((now) => now.v && now.v.number !== undefined);
  if (scalar) panel.append(curve("value", at.map((now) => now.v.number)));
  else if (at.some((now) => now.v && now.v.bins)) panel.append(shades(events[k].kind === "op" ? "values" : events[k].tracked ? "weights" : "values", at.map((now) => now.v)));
  else panel.append(curve("rms of the values", at.map((now) => (now.v ? sizeOf(now.v) : null))));
  if (at.some((now) => now.g)) {
    if (scalar) panel.append(curve("gradient", at.map((now) => now.g && now.g.number)));
    else {
      if (at.some((now) => now.g && now.g.bins)) panel.append(shades("gradient", at.map((now) => now.g)));
      panel.append(curve("norm of the gradient", at.map((now) => normOf(now.g))));
    }
  }
  const ratios = snapshots.map(([, found]) => found[k]);
  if (ratios.some((r) => r !== undefined)) panel.append(curve("update / weights, ‖Δw‖/‖w‖", ratios));
  if (at.some((now) => now.dead !== undefined)) panel.append(curve("dead units", at.map((now) => now.dead || 0), [0, 1], percent));
  if (at.some((now) => now.saturated !== undefined)) panel.append(curve("saturated elements", at.map((now) => now.saturated || 0), [0, 1], percent));
}
const across = (u) => (snapshots.length > 1 ? 4 + ((WIDE - 8) * u) / (snapshots.length - 1) : WIDE / 2);
function cursor(svg) {
  const line = draw("line", { class: "cursor", y1: 0, y2: TALL });
  svg.append(line);
  shown.cursors.push(() => { line.setAttribute("x1", across(update)); line.setAttribute("x2", across(update)); });
  svg.addEventListener("click", (e) => {
    const box = svg.getBoundingClientRect(), x = ((e.clientX - box.left) * WIDE) / box.width;
    goToUpdate(Math.round(((x - 4) * (snapshots.length - 1)) / (WIDE - 8)));
  });
}
function framedChart(title, words) {
  const figure = make("figure", { class: "course" }), caption = make("figcaption", {}, `${title} `), value = make("b");
  const svg = draw("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", role: "img", "aria-label": words });
  caption.append(value);
  figure.append(caption, svg);
  return { figure, svg, value };
}
function curve(title, ys, bounds, say = number) {
  const known = ys.filter((y) => typeof y === "number");
  let [low, high] = bounds || [Math.min(...known), Math.max(...known)];
  const log = !bounds && low > 0 && high > 30 * low, of = (y) => (log ? Math.log10(y) : y);
  const wild = ys.filter((y) => typeof y === "string").length, range = low === high ? `${say(low)} throughout` : `${say(low)} … ${say(high)}${log ? ", log scale" : ""}`;
  const ends = [known.length && range, wild && `NaN or ∞ at ${counted(wild, "update")}`].filter(Boolean).join("; ") || "none";
  const { figure, svg, value } = framedChart(title, `${title} by update, ${ends}`);
  const y = (v) => (of(high) > of(low) ? TALL - 4 - ((TALL - 8) * (of(v) - of(low))) / (of(high) - of(low)) : TALL / 2);
  if (low < 0 && high > 0) svg.append(draw("line", { class: "zero", x1: 0, x2: WIDE, y1: y(0), y2: y(0) }));
  let d = "", pen = "M";
  ys.forEach((v, u) => {
    if (typeof v === "string") svg.append(draw("rect", { class: "wild", x: across(u) - 2, y: 0, width: 4, height: TALL }));
    if (typeof v !== "number") { pen = "M"; return; }
    d += `${pen}${across(u).toFixed(1)},${y(v).toFixed(1)}`;
    pen = "L";
  });
  svg.append(draw("path", { class: "line", d, "vector-effect": "non-scaling-stroke" }));
  cursor(svg);
  shown.cursors.push(() => { value.textContent = ys[update] === null || ys[update] === undefined ? "none" : say(ys[update]); });
  figure.append(make("p", { class: "faint" }, ends));
  return figure;
}
// Histograms side by side, the darker the more; the axis is the same for all updates.
function shades(title, digests) {
  const has = (d) => d && d.bins, low = Math.min(...digests.filter(has).map((d) => d.low)), high = Math.max(...digests.filter(has).map((d) => d.high));
  const range = `${number(low)} … ${number(high)}`;
  const { figure, svg, value } = framedChart(title, `histogram of ${title} by update, from ${range}`);
  const y = (v) => (high > low ? TALL - 2 - ((TALL - 4) * (v - low)) / (high - low) : TALL / 2);
  const wide = (WIDE - 8) / Math.max(digests.length - 1, 1);
  digests.forEach((d, u) => {
    if (!has(d)) return;
    const size = (d.high - d.low) / d.bins.length;
    [...d.bins].forEach((digit, b) => {
      const share = parseInt(digit, 36) / 35;
      if (!share) return;
      const top = y(d.low + (b + 1) * size), bottom = y(d.low + b * size);
      svg.append(draw("rect", { class: "shade", x: across(u) - wide / 2, y: Math.min(top, bottom - 1), width: wide, height: Math.max(bottom - top, 1), "fill-opacity": (0.1 + 0.9 * share).toFixed(2) }));
    });
  });
  if (low < 0 && high > 0) svg.append(draw("line", { class: "zero", x1: 0, x2: WIDE, y1: y(0), y2: y(0) }));
  cursor(svg);
  shown.cursors.push(() => { const d = digests[update]; value.textContent = d && d.rms !== undefined ? `rms ${number(d.rms)}` : ""; });
  figure.append(make("p", { class: "faint" }, low === high ? `${number(low)} throughout` : `from ${number(low)} (bottom) to ${number(high)} (top)`));
  return figure;
}

// ---- start, once the snapshots are unpacked ---------------------------------------------------------------

async function loadUpdates() {
  snapshots = await Promise.all(updates.packed.map(unpacked));
  heats(snapshots.flatMap(([list]) => list.map((now) => now.g).filter((g, k) => g && !events[k].root && !(events[k].gradient && events[k].gradient.noise))));
  updateSlider();
  goToUpdate(wanted === null ? snapshots.length - 1 : nearest(wanted));
  byId("signs").replaceChildren();
  legend();
}
window.addEventListener("message", (e) => { if (typeof e.data === "string" && /^#n\d+/.test(e.data)) followed(e.data); });
