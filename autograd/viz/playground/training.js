// Steps of the optimizer, and the loop that takes them while the page is looked at.

const EVERY = 10; // milliseconds of training before the page is drawn again
const LONGEST = 400; // points of a loss curve, which thins out as it grows
let taken = 0, seen = 0, states = [], order = [], dice = generator(0), frame = null, batch = null;
let curve = [], stride = 1, trouble = "";

function restart(from) {
  stop();
  setWeights(from);
  taken = seen = 0;
  states = variant.parameters.map(() => ({}));
  order = [];
  dice = generator(settings.seed + 1);
  batch = null;
  curve = [];
  stride = 1;
  trouble = "";
  keep();
}
// The samples of the next step: all, or the next of an order that is drawn anew for each epoch.
function nextBatch() {
  const size = settings.batch && settings.batch < train.n ? settings.batch : 0;
  if (!size) return train;
  if (order.length < size) {
    order = Array.from({ length: train.n }, (_, i) => i);
    for (let i = train.n - 1; i > 0; i--) { const j = Math.floor(dice() * (i + 1)); [order[i], order[j]] = [order[j], order[i]]; }
  }
  return rows(train, order.splice(0, size));
}
function step() {
  if (!train.n) { trouble = "There are no samples: add some, or take those of the page."; return false; }
  batch = nextBatch();
  load(batch);
  live.run();
  const optimizer = OPTIMIZERS[settings.optimizer];
  variant.parameters.forEach(([k], i) => {
    const p = live.value(k).data.slice();
    optimizer.step(p, live.gradient(k).data, settings.rate, states[i]);
    live.set(k, p);
  });
  taken += 1;
  seen += batch.n;
  if (weights().every((w) => w.every(Number.isFinite))) return true;
  trouble = "The weights are no longer finite: the learning rate is too large. Start again with a smaller one.";
  return false;
}
function keep() { // the losses of now, on the curve
  const now = { step: taken, train: train.n ? lossOf(train) : NaN, test: test.n ? lossOf(test) : NaN };
  if (curve.length && curve[curve.length - 1].step === taken) curve.pop();
  if (curve.length > LONGEST) { curve = curve.filter((_, i) => i % 2 === 0); stride *= 2; }
  curve.push(now);
  return now;
}
function stop() {
  cancelAnimationFrame(frame);
  frame = null;
}
function run() {
  if (frame) { stop(); redraw(); return; }
  let last = taken;
  const tick = () => {
    const started = performance.now();
    let fine = true;
    do fine = step(); while (fine && performance.now() - started < EVERY && taken % 10);
    if (taken - last >= stride || !fine) { keep(); last = taken; }
    frame = fine ? requestAnimationFrame(tick) : null;
    redraw();
  };
  frame = requestAnimationFrame(tick);
}
