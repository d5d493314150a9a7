// The recorded graph of the chosen activation, computed in the page.

const engines = new Map();
let variant, live;

function choose(name) {
  variant = given.variants.find((v) => v.name === name);
  if (!engines.has(name)) engines.set(name, engineOf(variant.player, rowsOf[given.variants.indexOf(variant)]));
  live = engines.get(name);
}

// Targets as an array like the output, and what the loss keeps of them.
function targets({ y, n }) {
  const wide = task.kind === "classes" ? task.classes : 1, t = new Float64Array(n * wide);
  for (let i = 0; i < n; i++) {
    if (task.kind === "classes") t[i * wide + y[i]] = 1;
    else t[i] = y[i];
  }
  return t;
}
function arraysOf(set) { // the arrays of the graph that hold samples and targets
  const t = targets(set), shaped = (k, data) => ({ shape: [set.n, ...variant.player.events[k].value.shape.slice(1)], data });
  const found = { [variant.samples]: shaped(variant.samples, set.x) };
  for (const [k, scale, shift] of variant.targets) found[k] = shaped(k, t.map((x) => scale * x + shift));
  return found;
}
function load(set) { for (const [k, { shape, data }] of Object.entries(arraysOf(set))) live.set(+k, data, shape); }
const outputs = (set, event) => live.evaluate({ [variant.samples]: { shape: [set.n, features], data: set.x } }, event);
const lossOf = (set) => live.evaluate(arraysOf(set), variant.loss).data[0];
const weights = () => variant.parameters.map(([k]) => live.value(k).data);
function setWeights(all) { variant.parameters.forEach(([k], i) => live.set(k, all[i].slice())); }

// Share of the samples whose class the output names; of regression, nothing.
function accuracy(set) {
  if (task.kind === "regression" || !set.n) return null;
  const { data } = outputs(set, variant.output), wide = data.length / set.n;
  let right = 0;
  for (let i = 0; i < set.n; i++) right += classOf(data, i, wide) === set.y[i];
  return right / set.n;
}
function classOf(data, i, wide) {
  if (wide === 1) return data[i] > 0 ? 1 : 0;
  let best = 0;
  for (let j = 1; j < wide; j++) if (data[i * wide + j] > data[i * wide + best]) best = j;
  return best;
}
