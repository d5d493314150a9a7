// The controls, and the first drawing.

function redraw() {
  if (train.n) { load(train); live.run(); }
  drawNetwork();
  drawSurface();
  drawNeuron();
  tellLoss();
}
function options(id, pairs, chosen) {
  byId(id).replaceChildren(...pairs.map(([value, text]) => make("option", { value, ...(String(value) === String(chosen) && { selected: "" }) }, text)));
}
function tellSettings() {
  options("optimizer", Object.keys(OPTIMIZERS).map((n) => [n, n]), settings.optimizer);
  options("activation", given.variants.map((v) => [v.name, v.name]), settings.activation);
  options("batch", [...new Set([0, 1, 4, 10, 30, 100, settings.batch])].sort((a, b) => a - b).filter((n) => n < chosen.train.n).map((n) => [n, n ? String(n) : "all"]), settings.batch);
  options("set", given.sets.map((s) => [s.name, s.name]), settings.data);
  byId("datas").hidden = given.sets.length < 2;
  byId("acting").hidden = given.variants.length < 2;
  byId("rate").value = Math.log10(settings.rate);
  byId("rated").textContent = number(settings.rate, 2);
}
function startWeights() {
  if (!settings.seed) return recordedWeights.get(variant.name);
  const dice = generator(settings.seed); // uniform, as PyTorch's layers begin: ±1/√inputs
  return variant.parameters.map(([k], i) => {
    const { shape } = variant.player.events[k].value, map = variant.layers.flatMap((l) => l.maps).find((m) => m.weight === k || m.bias === k);
    if (!map) return recordedWeights.get(variant.name)[i].slice();
    const inputs = variant.player.events[map.weight].value.shape[map.across ? 0 : 1], bound = 1 / Math.sqrt(inputs);
    return Float64Array.from({ length: shape.reduce((a, n) => a * n, 1) }, () => (2 * dice() - 1) * bound);
  });
}
const recordedWeights = new Map();
function use(name, kept) { // another activation, with the weights of now
  const now = kept && weights().map((w) => w.slice());
  choose(name);
  if (!recordedWeights.has(name)) recordedWeights.set(name, weights().map((w) => w.slice()));
  if (now) setWeights(now);
  buildNetwork();
}
function setting(key, value) {
  settings[key] = value;
  toAddress();
}
function begin() {
  readColors();
  fromAddress();
  take(settings.data);
  use(settings.activation);
  tellSettings();
  buildPens();
  restart(startWeights());
  redraw();
  sayData();
  byId("about").textContent = `${given.parameters.toLocaleString("en")} parameters; ${task.kind === "regression" ? "regression" : `${task.classes} classes`}`;
  byId("train").addEventListener("click", run);
  byId("one").addEventListener("click", () => { stop(); step(); keep(); redraw(); });
  byId("again").addEventListener("click", () => { restart(startWeights()); redraw(); });
  byId("other").addEventListener("click", () => { setting("seed", settings.seed + 1); restart(startWeights()); redraw(); });
  byId("rate").addEventListener("input", (e) => { setting("rate", +(10 ** e.target.value).toPrecision(2)); byId("rated").textContent = number(settings.rate, 2); });
  byId("optimizer").addEventListener("change", (e) => { setting("optimizer", e.target.value); states = states.map(() => ({})); });
  byId("batch").addEventListener("change", (e) => { setting("batch", +e.target.value); order = []; });
  byId("activation").addEventListener("change", (e) => { setting("activation", e.target.value); use(e.target.value, true); states = states.map(() => ({})); keep(); redraw(); });
  byId("set").addEventListener("change", (e) => { setting("data", e.target.value); take(e.target.value); restart(startWeights()); changedData(); tellSettings(); });
  byId("python").addEventListener("click", showPython);
  byId("inside").addEventListener("click", showPlayer);
  byId("link").addEventListener("click", (e) => copy(location.href.split("#")[0] + address(), e.target));
  byId("link").hidden = location.protocol === "about:";
  window.addEventListener("resize", () => { buildLines(); redraw(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColors(); redraw(); });
  window.addEventListener("hashchange", () => { fromAddress(); take(settings.data); use(settings.activation); tellSettings(); restart(startWeights()); redraw(); });
  document.addEventListener("keydown", (e) => {
    if (e.target.closest("input, select, button, textarea, dialog, #plane") || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === " ") { run(); e.preventDefault(); }
  });
}
begin();
