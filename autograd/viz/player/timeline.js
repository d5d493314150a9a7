// The timeline: the steps of the whole model, forward and then backward, at the chosen depth.
//
// An op is a step where its groups are open. A closed group is one step forward, when the last of it
// is computed, and one backward. Leaves and constants compute nothing: they appear with their first
// use. What was opened by hand (`pinned`) is open beyond the depth.

const PLENTY = 100; // a model opens at the largest depth with at most this many steps

const level = groups.map(() => 0);
groups.forEach((_, g) => { for (let at = groups[g].parent; at >= 0; at = groups[at].parent) level[g]++; });
const inward = groups.map((_, g) => g).sort((a, b) => level[a] - level[b]);
const deepest = level[inward[groups.length - 1]] + 1;
const within = (g, outer) => { while (g !== outer && g >= 0) g = groups[g].parent; return g === outer; };
// The group whose view shows a group's box; repetitions share the box of what they repeat.
const seenIn = (g) => { let at = groups[g].parent; while (at >= 0 && groups[at].repeat) at = groups[at].parent; return Math.max(at, 0); };
const boxOf = (g) => { while (groups[g].parent >= 0 && groups[groups[g].parent].repeat) g = groups[g].parent; return g; };
const extent = groups.map(() => ({ last: -1, first: Infinity })); // the last op, the first with a gradient
events.forEach((event, k) => {
  if (event.kind !== "op") return;
  for (let g = of[k]; g >= 0; g = groups[g].parent) {
    extent[g].last = k;
    if (passes(k)) extent[g].first = Math.min(extent[g].first, k);
  }
});

let timeline = [], depth = 1, pinned = 0, ordinary = 1;

function stepsAt(depth, pinned) {
  const open = new Set(), cover = []; // of each group: the outermost closed group around it
  for (let g = pinned; g >= 0; g = groups[g].parent) open.add(g);
  for (const g of inward) {
    const { parent } = groups[g], outer = parent >= 0 ? cover[parent] : -1;
    cover[g] = outer >= 0 ? outer : level[g] < depth || open.has(g) ? -1 : g;
  }
  const found = [];
  events.forEach((event, k) => {
    if (event.kind !== "op" || cover[of[k]] >= 0) return;
    found.push({ at: k, k, view: of[k], back: false });
    if (passes(k)) found.push({ at: backAt(k), k, view: of[k], back: true });
  });
  for (const g of new Set(cover)) {
    if (g < 0 || extent[g].last < 0) continue;
    const at = { g, view: seenIn(g), box: boxOf(g) };
    found.push({ ...at, at: extent[g].last, back: false });
    if (extent[g].first < Infinity) found.push({ ...at, at: backAt(extent[g].first), back: true });
  }
  return found;
}
function lay() {
  timeline = stepsAt(depth, pinned).sort((a, b) => a.at - b.at);
  steps = timeline.map((step) => step.at);
  byId("slider").max = steps.length;
  chapters();
}
function pin(g) {
  if (level[g] < depth) g = 0;
  if (g === pinned) return;
  pinned = g;
  lay();
}

function position() {
  let a = 0, b = steps.length;
  while (a < b) { const m = (a + b) >> 1; if (steps[m] < time) a = m + 1; else b = m; }
  return a;
}
const moment = () => { const n = position(); return finished ? 2 * count - 1 : n ? steps[n - 1] : -1; };
const current = () => (finished ? undefined : timeline[position() - 1]);
const whereabouts = () => { const step = current(); return step ? step.view : 0; };
const nameOfStep = (step) => (step.g === undefined ? headingOf(step.k) : groups[step.g].title);
const placed = (g) => { const names = []; for (; g > 0; g = groups[g].parent) if (!groups[g].repeat) names.unshift(groups[g].title); return names.join(" › "); };

// ---- chapters: stretches of steps in the same view, drawn under the slider ---------------------

let starts = [];
function chapters() {
  starts = timeline.map((_, i) => i).filter((i) => !i || timeline[i].view !== timeline[i - 1].view || timeline[i].back !== timeline[i - 1].back);
  const stops = [], n = steps.length || 1;
  starts.forEach((i, c) => {
    const color = `color-mix(in srgb, var(${timeline[i].back ? "--warm" : "--accent"}) ${c % 2 ? 38 : 62}%, var(--panel))`;
    stops.push(`${color} ${(100 * i) / n}% ${(100 * (starts[c + 1] ?? n)) / n}%`);
  });
  byId("chapters").style.background = stops.length ? `linear-gradient(to right, ${stops.join(",")})` : "";
}
// The first step of the next chapter; of this one, or of the one before if that is where we are.
function chapter(direction) {
  const now = position() - 1;
  if (direction > 0) { const next = starts.find((i) => i > now); return next === undefined ? steps.length : next + 1; }
  const before = starts.filter((i) => i < now);
  return before.length ? before[before.length - 1] + 1 : 0;
}

// ---- depth ---------------------------------------------------------------------------------------

function depths() {
  const menu = byId("depth");
  const counts = Array.from({ length: deepest }, (_, d) => stepsAt(d + 1, 0).length);
  counts.forEach((n, d) => {
    if (n <= PLENTY) ordinary = d + 1;
    menu.append(make("option", { value: d + 1 }, `${d + 1 === deepest ? "all" : d + 1} (${n.toLocaleString("en")} steps)`));
  });
  byId("deep").hidden = deepest < 2;
}
function deepen(to) {
  depth = Math.min(Math.max(to, 1), deepest);
  byId("depth").value = depth;
  pinned = 0;
  lay();
}
