// The loss in numbers and as a curve, of training and test samples.

function tellLoss() {
  const now = curve[curve.length - 1], right = accuracy(train), tested = test.n ? accuracy(test) : null;
  const percent = (p) => (p === null ? "" : ` · ${(100 * p).toFixed(p === 1 ? 0 : 1)} % right`);
  byId("numbers").replaceChildren(
    make("dt", { class: "trained" }, "training"), make("dd", { id: "trainloss" }, `${number(now.train)}${percent(right)}`),
    ...(test.n ? [make("dt", { class: "tested" }, "test"), make("dd", { id: "testloss" }, `${number(now.test)}${percent(tested)}`)] : []));
  const epochs = train.n ? seen / train.n : 0;
  byId("taken").textContent = `step ${taken.toLocaleString("en")} · epoch ${epochs >= 10 ? Math.floor(epochs).toLocaleString("en") : +epochs.toFixed(1)}`;
  byId("trouble").textContent = trouble;
  byId("train").textContent = frame ? "‖ pause" : "▶ train";
  byId("train").setAttribute("aria-label", frame ? "pause" : "train");
  drawCurve();
}
function drawCurve() {
  const canvas = byId("curve"), { pen: p, width, height } = sharp(canvas), shown = curve.filter((c) => Number.isFinite(c.train));
  const all = shown.flatMap((c) => (test.n ? [c.train, c.test] : [c.train])).filter(Number.isFinite);
  if (!all.length) return;
  const least = Math.min(...all), most = Math.max(...all), logs = least > 0 && most > 20 * least, f = logs ? Math.log : (x) => x;
  const low = logs ? f(least) : Math.min(least, 0), high = f(most), steps = Math.max(taken, 1), left = 44;
  const x = (s) => left + (s / steps) * (width - left - 4), y = (l) => height - 16 - ((f(l) - low) / (high - low || 1)) * (height - 26);
  p.font = "11px Arial, sans-serif";
  p.fillStyle = palette.faint;
  p.strokeStyle = palette.line;
  for (const l of logs ? [least, Math.sqrt(least * most), most] : [low, (low + most) / 2, most]) {
    p.fillText(number(l, 2), 2, y(l) + 4);
    p.beginPath(); p.moveTo(left, y(l)); p.lineTo(width, y(l)); p.lineWidth = 1; p.stroke();
  }
  p.fillText("0", left, height - 3);
  p.textAlign = "right";
  p.fillText(`${taken.toLocaleString("en")} steps${logs ? ", logarithmic" : ""}`, width - 4, height - 3);
  p.textAlign = "left";
  const line = (key, color, dashes) => {
    p.beginPath();
    shown.forEach((c) => Number.isFinite(c[key]) && p.lineTo(x(c.step), y(c[key])));
    p.strokeStyle = color; p.lineWidth = 2; p.setLineDash(dashes); p.stroke(); p.setLineDash([]);
  };
  if (test.n) line("test", palette.faint, [5, 4]);
  line("train", palette.accent, []);
  const first = shown[0], last = shown[shown.length - 1];
  canvas.setAttribute("aria-label", `training loss over ${taken} steps: from ${number(first.train)} to ${number(last.train)}`);
}
