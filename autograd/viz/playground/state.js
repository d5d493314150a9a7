// What the page is given, and the settings, which are in its address.

const given = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const { task, features } = given;
const RATES = [-4, 1]; // powers of 10
const settings = { data: given.sets[0].name, activation: given.variants[0].name, optimizer: "Adam", rate: 0.03, batch: 0, seed: 0 };

function fromAddress() {
  for (const pair of location.hash.slice(1).split("&")) {
    let [key, text] = pair.split("=");
    try { text = decodeURIComponent(text); } catch { continue; }
    if (key === "activation" && given.variants.some((v) => v.name === text)) settings.activation = text;
    if (key === "data" && given.sets.some((s) => s.name === text)) settings.data = text;
    if (key === "optimizer" && text in OPTIMIZERS) settings.optimizer = text;
    if (key === "rate" && +text > 0 && Number.isFinite(+text)) settings.rate = Math.min(Math.max(+text, 10 ** RATES[0]), 10 ** RATES[1]);
    if (["batch", "seed"].includes(key) && Number.isInteger(+text) && +text >= 0) settings[key] = +text;
  }
}
const address = () => `#${Object.entries(settings).map(([key, x]) => `${key}=${encodeURIComponent(x)}`).join("&")}`;
function toAddress() {
  try { history.replaceState(null, "", address()); } catch { /* a sandboxed frame has no address */ }
}

// The samples: those of the page and the visitor's. A set is {x, y, n}, x row by row.
const copied = (set) => ({ x: [...set.x], y: [...set.y], n: set.n });
let chosen, train, test, own; // `own` of the last to train on are the visitor's
function take(name) {
  chosen = given.sets.find((s) => s.name === name);
  train = copied(chosen.train);
  test = chosen.test;
  own = 0;
}
function rows(set, chosen) {
  const x = new Float64Array(chosen.length * features), y = new Float64Array(chosen.length);
  chosen.forEach((row, i) => {
    for (let j = 0; j < features; j++) x[i * features + j] = set.x[row * features + j];
    y[i] = set.y[row];
  });
  return { x, y, n: chosen.length };
}

// Random numbers that a seed gives again (mulberry32).
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
