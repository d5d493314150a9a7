// The page alive: a leaf's value is dragged or typed, and the graph is computed again; what a small
// nudge does to the loss; gradient descent on the leaves.

const alive = (() => {
  const CELLS = 64; // most elements of an array that has a cell for each
  const QUICK = 500; // most nodes of a graph whose nudge is computed while a value is dragged
  const FRAME = 10; // milliseconds of training before the page is drawn again
  const given = data.values; // from a playground
  const result = events.findIndex((e) => e.root);
  const FOLDS = { relu: 0, abs: 0, sign: 0 }; // ops whose slope jumps where their input is this
  const plain = (d) => d && /^float/.test(d.dtype) && d.shape.reduce((a, n) => a * n, 1) > 0;
  const sizeAt = (k) => events[k].value.shape.reduce((a, n) => a * n, 1);
  const sources = events.map((_, k) => k).filter((k) => events[k].kind !== "op" && plain(events[k].value) && sizeAt(k) <= CELLS && (events[k].kind === "leaf" || events[k].title));
  const parameters = events.map((_, k) => k).filter((k) => events[k].kind === "leaf" && events[k].gradient !== undefined && plain(events[k].value));
  const editable = new Set(sources), held = new Set(), base = new Map(); // base: values before the first change
  let edited = -1, cell = 0, frame = null, taken = 0, rate = 0.05, losses = [], remark = "", original = null, later = null;

  const lossNow = () => live.value(result).data.reduce((a, x) => a + x, 0);
  const calledAt = (k, i) => `${nameOf(k)}${indexOf(k, i)}`;
  function indexOf(k, i) {
    const at = [];
    for (const n of [...events[k].value.shape].reverse()) { at.unshift(i % n); i = Math.floor(i / n); }
    return at.length ? `[${at.join(", ")}]` : "";
  }
  const isChanged = (k) => base.has(k) && live.value(k).data.some((x, i) => x !== base.get(k)[i]);

  // Begin with other values than the recorded ones.
  function begin() {
    if (!given || !live.alive) return;
    for (const [k, shape, numbers] of given) live.set(k, numbers, shape);
    live.run();
    live.refresh(events);
    byId("changed").firstChild.textContent = `with ${data.from}, not those of the recording`;
    byId("changed").hidden = false;
    byId("restore").hidden = true;
  }

  // ---- changes -------------------------------------------------------------------------------------

  function put(k, data) {
    if (!original) original = events.map((e) => JSON.stringify([e.value, e.gradient, e.inputs]));
    if (!base.has(k)) base.set(k, live.value(k).data.slice());
    live.set(k, data);
  }
  function change(k, i, x) {
    if (!Number.isFinite(x)) return;
    const data = live.value(k).data.slice();
    data[i] = x;
    put(k, data);
    remark = "";
    recomputed();
  }
  function recomputed() {
    live.run();
    live.refresh(events);
    show();
    tellAlive();
  }
  function backToRecording() {
    pause();
    for (const [k, data] of base) live.set(k, data);
    base.clear();
    live.run();
    if (original) original.forEach((text, k) => { const [value, gradient, inputs] = JSON.parse(text); Object.assign(events[k], { value, ...(gradient && { gradient }), ...(inputs && { inputs }) }); });
    original = null;
    losses = [];
    taken = 0;
    remark = "";
    show();
    tellAlive();
  }

  // The loss if one element were higher by h.
  function lossAt(k, i, h) {
    const before = live.value(k).data.slice(), after = before.slice();
    after[i] += h;
    live.set(k, after);
    live.run();
    const found = lossNow();
    const signs = events.map((e) => (e.op in FOLDS ? live.value(e.inputs[0].from).data.map(Math.sign) : null));
    live.set(k, before);
    live.run();
    return [found, signs];
  }
  function nudge(k, i, h) {
    const now = lossNow(), slope = live.gradient(k).data[i], predicted = slope * h;
    const [[there, after], [half], [, before]] = [lossAt(k, i, h), lossAt(k, i, h / 2), lossAt(k, i, 0)];
    const real = there - now, rest = Math.abs(real - predicted), resting = Math.abs(half - now - predicted / 2);
    const crossed = after.findIndex((s, u) => s && s.some((x, j) => x !== before[u][j]));
    const why = rest <= 1e-3 * Math.abs(real) || rest <= 1e-13 * Math.max(Math.abs(now), 1) ? "They agree: over so short a way the loss is almost a straight line."
      : crossed >= 0 ? `They differ by a kink: on the way an input of ${headingOf(crossed)} changes its sign, and the slope jumps.`
        : rest < 2.8 * resting ? "They differ: the slope jumps on the way, a kink."
          : "They differ by curvature: the slope itself changes on the way. Half the nudge has a quarter of this difference.";
    return { predicted, real, slope, why };
  }

  // ---- gradient descent -------------------------------------------------------------------------------

  function descend() {
    if (!losses.length) losses.push(lossNow());
    for (const k of parameters) {
      if (held.has(k)) continue;
      const { data } = live.value(k), gradient = live.gradient(k).data;
      put(k, data.map((x, i) => x - rate * gradient[i]));
    }
    live.run();
    losses.push(lossNow());
    taken += 1;
    return Number.isFinite(losses[losses.length - 1]);
  }
  function stepDown() {
    descend();
    sayLoss();
    live.refresh(events);
    show();
    tellAlive();
  }
  function sayLoss() {
    const [before, after] = losses.slice(-2);
    remark = Number.isFinite(after) ? `step ${taken}: loss ${number(before, 6)} → ${number(after, 6)}${after > before ? ": it rose, the step was too long" : ""}`
      : "The loss is no longer finite: the learning rate is too large. Go back to the recording.";
  }
  function pause() {
    cancelAnimationFrame(frame);
    frame = null;
  }
  function train() {
    if (frame) { pause(); tellAlive(); return; }
    let last = 0;
    const run = (now) => {
      const every = +byId("stride").value, started = performance.now();
      let fine = true;
      if (every >= 1) for (let n = 0; fine && n < every && performance.now() - started < FRAME; n++) fine = descend();
      else if (now - last > 400) { fine = descend(); last = now; }
      sayLoss();
      live.refresh(events);
      frame = fine ? requestAnimationFrame(run) : null;
      show();
      tellAlive();
    };
    frame = requestAnimationFrame(run);
  }

  // ---- the panel ---------------------------------------------------------------------------------------

  const reach = (k, i) => { // the slider's ends
    const from = base.has(k) ? base.get(k)[i] : live.value(k).data[i], x = live.value(k).data[i], wide = Math.max(2 * Math.abs(from), 1);
    const nice = 10 ** Math.ceil(Math.log10(wide)), half = [0.2, 0.5, 1].map((f) => f * nice).find((f) => f >= wide);
    return Math.max(half, ...(Math.abs(x) > half ? [2 * Math.abs(x)] : []));
  };
  const stride = (k, i) => reach(k, i) / 200;
  const tidy = (x) => +x.toPrecision(6);

  function buildAlive() {
    const panel = byId("alive");
    panel.hidden = !data.live; // such as the page of a training run, which is a recording only
    if (panel.hidden) return;
    const choice = make("select", { id: "leaf", "aria-label": "the leaf to change" }, ...sources.map((k) => make("option", { value: k }, `${nameOf(k)}${events[k].kind === "constant" ? " (constant)" : ""}`)));
    panel.append(make("h2", {}, "Change it"), make("p", { id: "why" }),
      make("fieldset", { id: "edit", "aria-label": "change a value" },
        make("p", { class: "row" }, choice, make("input", { id: "typed", type: "number", "aria-label": "value" })),
        make("div", { id: "cells", role: "group", "aria-label": "elements" }),
        make("input", { id: "drag", type: "range", "aria-label": "value" }),
        make("div", { id: "nudged" }, make("label", { class: "row" }, make("span", { id: "raised" }), make("input", { id: "amount", type: "number", value: "0.01", step: "0.01", "aria-label": "amount of the nudge" })), make("dl", { id: "changes" }), make("p", { id: "reason", class: "faint" }))),
      make("fieldset", { id: "descent", "aria-label": "gradient descent" },
        make("p", { class: "row" }, make("b", {}, "gradient descent"), make("span", { class: "faint", id: "rule" })),
        make("label", { class: "row" }, "learning rate", make("input", { id: "rate", type: "range", min: "-4", max: "1", step: "0.05", value: "-1.3", "aria-label": "learning rate" }), make("output", { id: "rated", for: "rate" })), make("p", { id: "coming", class: "sum" }),
        make("p", { class: "row" }, make("button", { type: "button", id: "one" }, "one step"), make("button", { type: "button", id: "train" }, "▶ train"),
          make("select", { id: "stride", "aria-label": "speed of training" }, ...[["0", "slowly"], ["1", "×1"], ["10", "×10"], ["100", "×100"]].map(([value, text]) => make("option", { value, ...(value === "1" && { selected: "" }) }, text))),
          make("button", { type: "button", id: "undo" }, "reset")),
        make("p", { id: "remark", role: "status" }), make("div", { id: "curve" }), make("label", { class: "row", id: "hold" }, make("input", { type: "checkbox", id: "still" }), make("span", {}))));
    const can = live.alive && sources.length > 0;
    byId("why").textContent = live.alive ? (sources.length ? "Drag, type, or use the arrow keys: everything is computed again, forward and backward." : "There is no leaf of at most 64 numbers to change.") : `Nothing can be changed here: ${live.why}`;
    byId("edit").disabled = !can;
    byId("descent").disabled = !live.alive || !parameters.length || result < 0;
    panel.classList.toggle("dead", !live.alive);
    if (!live.alive) { for (const id of ["cells", "nudged", "hold"]) byId(id).hidden = true; return; }
    panel.addEventListener("keydown", (e) => e.stopPropagation()); // arrow keys change values here, not the time
    choice.addEventListener("change", () => edit(+choice.value));
    byId("typed").addEventListener("input", (e) => e.target.value !== "" && change(edited, cell, +e.target.value));
    byId("drag").addEventListener("input", (e) => change(edited, cell, tidy(+e.target.value)));
    byId("amount").addEventListener("input", tellAlive);
    byId("rate").addEventListener("input", (e) => { rate = tidy(10 ** e.target.value); tellAlive(); });
    byId("one").addEventListener("click", stepDown);
    byId("train").addEventListener("click", train);
    byId("undo").addEventListener("click", backToRecording);
    byId("restore").addEventListener("click", backToRecording);
    byId("still").addEventListener("change", (e) => { held[e.target.checked ? "add" : "delete"](edited); tellAlive(); });
    dragBoxes();
    if (can) edit(parameters.find((k) => editable.has(k)) ?? sources[0]);
  }

  function edit(k, i = 0) {
    if (!editable.has(k) || !live.alive) return;
    edited = k;
    cell = i;
    byId("leaf").value = k;
    byId("typed").step = byId("drag").step = tidy(stride(k, i));
    const { shape } = events[k].value, area = byId("cells");
    area.replaceChildren();
    area.hidden = sizeAt(k) === 1;
    area.style.gridTemplateColumns = `repeat(${shape.length ? shape[shape.length - 1] : 1}, minmax(44px, 1fr))`;
    if (!area.hidden) for (let j = 0; j < sizeAt(k); j++) area.append(cellOf(k, j));
    tellAlive();
  }
  function cellOf(k, j) {
    const button = make("div", { class: "cell", role: "slider", tabindex: "0", "aria-label": calledAt(k, j) });
    const select = () => { if (cell !== j) { cell = j; tellAlive(); } };
    button.addEventListener("focus", select);
    draggable(button, () => [k, j]);
    button.addEventListener("keydown", (e) => byKeys(e, k, j));
    return button;
  }
  function byKeys(e, k, j) {
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[e.key];
    if (!steps || e.ctrlKey || e.metaKey || e.altKey) return false;
    e.preventDefault();
    e.stopPropagation();
    change(k, j, tidy(live.value(k).data[j] + steps * stride(k, j)));
    return true;
  }
  // Dragging sideways changes an element: 400 pixels are from one end of its slider to the other.
  function draggable(target, which) {
    let start = null;
    target.addEventListener("pointerdown", (e) => {
      const at = e.button === 0 && which(e);
      if (!at) return;
      start = { x: e.clientX, at, from: live.value(at[0]).data[at[1]], by: stride(...at), moved: false };
    });
    target.addEventListener("pointermove", (e) => {
      if (!start || (!start.moved && Math.abs(e.clientX - start.x) < 4)) return;
      if (!start.moved) { start.moved = true; target.setPointerCapture(e.pointerId); if (start.at[0] !== edited) edit(...start.at); cell = start.at[1]; }
      change(...start.at, tidy(start.from + (e.clientX - start.x) * start.by));
    });
    const end = () => { const moved = start && start.moved; start = null; return moved; };
    let dragged = false;
    target.addEventListener("pointerup", () => { dragged = end(); });
    target.addEventListener("pointercancel", () => { dragged = false; end(); });
    target.addEventListener("click", (e) => { if (dragged) { dragged = false; e.stopPropagation(); e.preventDefault(); } }, true);
  }
  const boxAt = (e) => { const g = e.target.closest && e.target.closest(".box"); return g && boxes.find((b) => b.g === g && b.kind === "e"); };
  function dragBoxes() {
    const svg = byId("graph");
    draggable(svg, (e) => { const box = boxAt(e); return box && editable.has(box.k) && sizeAt(box.k) === 1 && box.k <= seen() ? [box.k, 0] : null; });
    const select = (e) => { const box = boxAt(e); if (box && editable.has(box.k) && box.k !== edited) edit(box.k); };
    svg.addEventListener("click", select);
    svg.addEventListener("focusin", select);
    svg.addEventListener("keydown", (e) => { // up and down: left and right are steps in time
      const box = boxAt(e);
      if (box && editable.has(box.k) && sizeAt(box.k) === 1 && /^(ArrowUp|ArrowDown|Page)/.test(e.key)) byKeys(e, box.k, 0);
    });
  }
  const seen = () => { const done = position(); return done ? steps[done - 1] : -1; };

  // What the boxes and the panel say after a change; also after each step in time.
  function tellAlive() {
    if (!live.alive || edited < 0) return;
    const { data } = live.value(edited), x = data[cell], far = reach(edited, cell), any = base.size > 0 && [...base.keys()].some(isChanged);
    byId("changed").hidden = !any && !given;
    byId("restore").hidden = !any;
    byId("undo").disabled = !any && !losses.length;
    const typed = byId("typed"), drag = byId("drag");
    if (document.activeElement !== typed || +typed.value !== x) typed.value = tidy(x);
    drag.min = -far; drag.max = far; drag.value = x;
    const called = calledAt(edited, cell);
    typed.setAttribute("aria-label", `value of ${called}`);
    drag.setAttribute("aria-label", `drag the value of ${called}`);
    [...byId("cells").children].forEach((c, j) => {
      c.textContent = number(data[j], 3);
      c.classList.toggle("on", j === cell);
      c.setAttribute("aria-valuenow", data[j]);
      c.setAttribute("aria-valuemin", -far);
      c.setAttribute("aria-valuemax", far);
      const t = Math.min(Math.abs(data[j]) / far, 1) * 45;
      c.style.background = `color-mix(in srgb, var(${data[j] < 0 ? "--minus" : "--plus"}) ${t.toFixed(0)}%, var(--panel))`;
    });
    clearTimeout(later);
    if (count > QUICK) later = setTimeout(tellNudge, 300);
    else tellNudge();
    byId("rule").textContent = `w ← w − rate · ∂, for every leaf${held.size ? ` but ${[...held].map(nameOf).join(", ")}` : ""}`;
    const moves = parameters.includes(edited) && !held.has(edited), slope = moves ? live.gradient(edited).data[cell] : 0;
    const bracketed = slope < 0 ? `(${number(slope)})` : number(slope);
    byId("coming").textContent = moves ? `next: ${called} ← ${number(x)} − ${number(rate, 2)} · ${bracketed} = ${number(x - rate * slope)}` : "";
    byId("rated").textContent = number(rate, 2);
    byId("train").textContent = frame ? "‖ pause" : "▶ train";
    byId("remark").textContent = remark || `loss ${number(lossNow())}`;
    byId("curve").replaceChildren(...(losses.length > 1 ? [curveOf(losses)] : []));
    const hold = byId("hold");
    hold.hidden = !parameters.includes(edited);
    hold.lastChild.textContent = `hold ${nameOf(edited)} still`;
    byId("still").checked = held.has(edited);
    mark();
  }
  function tellNudge() {
    const called = calledAt(edited, cell), area = byId("nudged"), h = +byId("amount").value, list = byId("changes");
    area.hidden = result < 0 || !parameters.includes(edited);
    if (area.hidden) return;
    byId("raised").textContent = `Raise ${called} by`;
    list.replaceChildren();
    byId("reason").textContent = "";
    if (frame || !h || !Number.isFinite(lossNow())) return;
    const { predicted, real, slope, why } = nudge(edited, cell, h);
    const signed = (x) => (x < 0 ? `(${number(x)})` : number(x));
    list.append(make("dt", {}, "predicted"), make("dd", {}, `∂ · ${signed(h)} = ${signed(slope)} · ${signed(h)} = ${number(predicted)}`), make("dt", {}, "real change"), make("dd", {}, number(real)));
    byId("reason").textContent = why;
  }
  function mark() {
    if (!live.alive) return;
    boxes.forEach(({ g, kind, k }) => {
      g.classList.toggle("draggable", kind === "e" && editable.has(k) && sizeAt(k) === 1);
      g.classList.toggle("altered", kind === "e" && isChanged(k));
    });
  }
  function curveOf(all) {
    const wide = 300, high = 64, known = all.filter(Number.isFinite), most = 300;
    const logs = Math.min(...known) > 0 && Math.max(...known) > 50 * Math.min(...known), f = logs ? Math.log10 : (x) => x;
    const low = f(Math.min(...known)), range = f(Math.max(...known)) - low || 1;
    const every = Math.ceil(all.length / most), points = all.map((y, i) => [i, y]).filter(([i, y]) => Number.isFinite(y) && (i % every === 0 || i === all.length - 1));
    const said = `loss over ${all.length - 1} steps${logs ? ", logarithmic" : ""}: from ${number(all[0])} to ${number(all[all.length - 1])}`;
    const svg = draw("svg", { viewBox: `-2 -4 ${wide + 4} ${high + 8}`, role: "img", "aria-label": said });
    svg.append(draw("polyline", { points: points.map(([i, y]) => `${((i / Math.max(all.length - 1, 1)) * wide).toFixed(1)},${(high - ((f(y) - low) / range) * high).toFixed(1)}`).join(" ") }));
    return make("figure", {}, svg, make("figcaption", {}, said));
  }
  // A scalar formula with the numbers of now, in place of those of the recording.
  function numbersNow(event, before) {
    const line = base.size && event.numbers !== undefined ? formula(event.tex, before) : formula(event.numbers, before);
    if (!line || !base.size) return line;
    const letters = new Map((event.inputs || []).filter((p) => p.from !== undefined).map((p) => [p.called, events[p.from].value.number]));
    for (const name of [...line.querySelectorAll("mi")]) {
      if (!letters.has(name.textContent)) continue;
      const x = letters.get(name.textContent), text = number(x), inside = document.createElementNS(name.namespaceURI, "mrow");
      const part = (tag, t) => { const e = document.createElementNS(name.namespaceURI, tag); e.textContent = t; return e; };
      inside.append(...(text[0] === "−" ? [part("mo", "("), part("mn", text), part("mo", ")")] : [part("mn", text)]));
      const left = name.previousElementSibling && name.previousElementSibling.localName === "mspace" ? name.previousElementSibling.previousElementSibling : name.previousElementSibling;
      if (left && (left.localName === "mn" || left.dataset.number)) name.before(part("mo", "·"));
      inside.dataset.number = "1";
      name.replaceWith(inside);
    }
    return line;
  }

  begin();
  buildAlive();
  return { mark, numbers: numbersNow, changed: () => Boolean(given) || [...base.keys()].some(isChanged) };
})();
