// The panels: the current step, the selected node, the legend.

function tell(step) {
  const panel = byId("now");
  panel.replaceChildren();
  if (finished) { overview(panel); return; }
  if (!step) {
    panel.append(make("h2", {}, "Before the first step"), make("p", {}, "Press → or play: values flow forward, then gradients flow backward."));
    return;
  }
  if (step.g !== undefined) { tellGroup(step, panel); return; }
  const { k } = step, forward = !step.back;
  const event = events[k];
  if (forward) {
    panel.append(make("h2", {}, `Forward: ${event.kind === "op" ? withOp(k) : `${event.kind} ${nameOf(k)}`}`));
    panel.append(formula(event.tex, `${event.sign ? event.title : "y"} = `) || "", alive.numbers(event, "= ") || "");
    if (event.details) panel.append(make("p", { class: "faint" }, `${event.op}: ${event.details}`));
    (event.inputs || []).forEach((place) => {
      if (place.from !== undefined) panel.append(make("p", {}, `${called(place)}: `, make("span", { class: "sum" }, exactly(events[place.from].value))));
    });
    panel.append(make("p", { class: "sum" }, make("b", {}, "= ", exactly(event.value))));
    return;
  }
  panel.append(make("h2", { class: "warm" }, `Backward: ${withOp(k)}`));
  const incoming = sizeOf(event.gradient), rms = (j) => (isNumber(j) ? "" : " (rms)");
  panel.append(make("p", { class: "sum" }, ...(event.gradient ? [`incoming gradient ȳ${rms(k)} = `, exact(incoming)] : ["gradients of its results, each on its own"])));
  (event.inputs || []).forEach((place) => {
    if (place.from === undefined) return;
    if (place.out === undefined) {
      if (!events[place.from].tracked) panel.append(make("p", { class: "faint" }, `to ${called(place)}: constant, no gradient`));
      return;
    }
    const term = make("div", { class: "term" }, make("p", {}, `to ${called(place)}:`), formula(place.tex) || "");
    term.append(make("p", { class: "sum" }, place.local !== undefined ? `${number(place.in)} × ${number(place.local)} = ` : `contribution${rms(place.from)} `, exact(place.out), place.local !== undefined
      ? `${typeof place.local === "string" && place.out === 0 ? ": no branch that was taken leads from here to the result" : ""}`
      : ""));
    const all = arrivals[place.from];
    if (all.length > 1 && place.sum !== undefined) {
      const nth = all.findIndex((a) => a.place === place) + 1;
      const parts = all.slice(0, nth).map((a) => number(a.place.out)).map((x) => (x[0] === "−" ? `(${x})` : x));
      const addends = isNumber(place.from) && nth > 1 && nth <= 6 ? `${parts.join(" + ")} = ` : "";
      term.append(make("p", { class: "sum warm" }, `contribution ${nth} of ${all.length}; they add up: ${addends}`, exact(place.sum), `${rms(place.from)}${nth < all.length ? " so far" : ""}`));
    }
    panel.append(term);
  });
}

function overview(panel) {
  const root = events.findIndex((e) => e.root), result = root < 0 ? count - 1 : root;
  panel.append(make("h2", {}, `${events[result].sign ? nameOf(result) : "result"} = ${brief(events[result].value)}`));
  const leaves = events.map((_, k) => k).filter((k) => events[k].kind === "leaf" && events[k].gradient && sizeOf(events[k].gradient));
  panel.append(make("p", {}, "Finished: every box shows its value, and its gradient ∂. Press play to see how they come about, or → and ← to step."));
  if (!leaves.length) return;
  const size = (k) => (events[k].gradient.noise ? 0 : Math.abs(sizeOf(events[k].gradient)) || Infinity);
  const largest = leaves.sort((a, b) => size(b) - size(a)).slice(0, 5);
  const list = make("dl", {});
  largest.forEach((k) => list.append(make("dt", {}, nameOf(k)), make("dd", {}, `${nought(events[k].gradient)}${isNumber(k) ? "" : " rms"}`)));
  panel.append(make("p", { class: "warm" }, "largest gradients of leaves"), list);
}
function legend() {
  const list = byId("signs");
  const swatch = (kind) => make("span", { class: `swatch ${kind}` });
  const has = (test) => events.some(test), single = has((e) => e.gradient && typeof e.gradient.number === "number" && !e.root);
  const arrays = has((e) => e.gradient && e.gradient.rms !== undefined);
  const scale = make("span", { class: "scale" }, ...[0, 0.25, 0.5, 0.75, 1].map((t) => make("span", { style: `background:${shade(t, arrays ? 0 : 1)}` })));
  const sample = (kind) => {
    const back = kind.endsWith("back"), svg = draw("svg", { width: 40, height: 12, "aria-hidden": "true" });
    svg.append(draw("path", { class: `edge ${kind}`, d: "M2,6h36", style: `stroke-width:${back ? 3 : 1.2}`, "stroke-dasharray": back ? "0 8 99" : "29 99" }),
      draw("path", { class: `tip ${kind}`, d: "M0,0l-9,-4.5v9z", transform: back ? "translate(1,6) rotate(180)" : "translate(38,6)" }));
    return svg;
  };
  const rows = [
    [swatch("leaf"), "leaf: a Value that gets a gradient"],
    has((e) => e.kind === "constant") && [swatch("constant"), "constant: no gradient"],
    [swatch("op"), "result of an op, under the op's sign or as name = op"],
    groups.length > 1 && [swatch("group"), "group: click or Enter opens it"],
    [swatch("unreached"), "not computed yet"],
    [swatch("active"), "the current step"],
    live.alive && [swatch("altered"), "its value was changed: drag a leaf's box sideways"],
    ["∂", "gradient of the result with respect to this box; (2/5): 2 of 5 contributions have arrived"],
    [sample("taken"), "arrow along which a value flows forward"],
    has((e) => e.gradient) && [sample(arrays ? "warm back" : "plus back"), `arrow along which a gradient has flowed back: the wider, the larger${single ? ", blue if below 0" : ""}`],
    logs.length > 0 && [scale, `size of the gradient, here ${number(10 ** logs[0], 2)} to ${number(10 ** logs[logs.length - 1], 2)}${single ? "; of a single number orange above 0, blue below" : ""}`],
    has((e) => e.gradient && sizeOf(e.gradient) === "nan") && [swatch("nan"), "NaN or ∞"],
    has((e) => e.gradient && e.gradient.noise) && ["≈ 0", "only what rounding left of terms that cancel"],
    ["y, ȳ", "in formulas: the op's result, and its gradient ∂L/∂y, what has come back so far"],
    formulas.some((f) => f.includes("∑") || f.includes("&#x02211;")) && ["∑₀", "the sum over axis 0, along which an input was broadcast"],
    has((e) => e.dead || e.saturated) && ["%", "dead: units that are 0 for the whole batch; saturated: elements within 0.01 of a bound of their function"],
    has((e) => e.value && e.value.rms !== undefined) && ["rms", "root mean square of an array's elements"],
    has((e) => e.value && e.value.map) && [make("span", {}, swatch("plus"), swatch("minus")), "elements above and below 0 in a heat map"],
  ];
  rows.filter(Boolean).forEach(([sign, text]) => list.append(make("dt", {}, sign), make("dd", {}, text)));
  byId("legend").open = window.innerWidth > 760;
}
function matrix(rows, label, several) {
  const n = rows[0].length, side = Math.min(12, (several > 1 ? 72 : 150) / Math.max(n, rows.length));
  const svg = draw("svg", { width: n * side, height: rows.length * side, role: "img", "aria-label": label });
  rows.forEach((row, i) => [...row].forEach((digit, j) => {
    const shade = digit === "-" ? NaN : (parseInt(digit, 36) - 17) / 17;
    const color = Number.isNaN(shade) ? "var(--odd)" : `color-mix(in srgb, var(${shade < 0 ? "--minus" : "--plus"}) ${Math.round(Math.abs(shade) * 100)}%, var(--zero))`;
    svg.append(draw("rect", { x: j * side, y: i * side, width: side + 0.3, height: side + 0.3, style: `fill:${color}` }));
  }));
  return svg;
}
function figure(d, caption) {
  const facets = d.facets || [[]], high = d.map.length / facets.length;
  const several = d.shape.length > 2 && d.facets ? ` of [${facets.map((at) => at.join(", ")).join("], [")}]` : "";
  const by = d.by ? `, ${d.by} of each block` : "";
  const parts = [make("figcaption", {}, `${caption}${several}${by}`)], row = make("div", { class: "facets" });
  facets.forEach((at, f) => row.append(matrix(d.map.slice(f * high, (f + 1) * high), `${caption} ${at.length ? `[${at.join(", ")}] ` : ""}as a heat map`, facets.length)));
  parts.push(row);
  if (d.bins) {
    const bars = draw("svg", { width: 150, height: 36, role: "img", "aria-label": `${caption} as a histogram` });
    [...d.bins].forEach((c, i) => { const h = parseInt(c, 36); bars.append(draw("rect", { x: i * 9.3, y: 36 - h, width: 8.3, height: Math.max(h, 0.5), style: "fill:var(--accent)" })); });
    parts.push(bars);
  }
  return make("figure", {}, ...parts);
}
function statistics(d) {
  const list = make("dl", {}, make("dt", {}, "shape"), make("dd", {}, `(${d.shape.join(", ")}${d.shape.length === 1 ? "," : ""}) ${d.dtype}`));
  if (d.number !== undefined) list.append(make("dt", {}, "value"), make("dd", {}, number(d.number, 6)));
  else if (d.low !== undefined) list.append(make("dt", {}, "range"), make("dd", {}, `${number(d.low)} … ${number(d.high)}`), make("dt", {}, "mean, rms"), make("dd", {}, `${number(d.mean)}, ${number(d.rms)}`));
  if (d.odd) list.append(make("dt", {}, "NaN or ∞"), make("dd", {}, String(d.odd)));
  return list;
}
function inspect() {
  course();
  alive.mark();
  const panel = byId("node");
  panel.replaceChildren();
  if (chosenGroup !== null) { inspectGroup(panel, moment()); return; }
  if (chosen === null) { panel.append(make("p", { class: "faint" }, matchMedia("(pointer: coarse)").matches ? "Tap a box to see its details." : "Hover over a box, or Tab to it, to see its details.")); return; }
  const event = events[chosen], now = moment();
  panel.append(make("h2", {}, headingOf(chosen), event.details && event.details !== nameOf(chosen) ? ` ${event.details}` : ""), make("p", { class: "faint" }, event.where || path(of[chosen]) || "the whole graph"));
  describe(panel, chosen, now);
  if (event.line) panel.append(make("p", {}, make("code", {}, event.line)));
  if (!teaching.veilNode(panel, chosen) && chosen <= now) reasons.tell(panel, gradientAt(chosen, now).state);
}
// The value and the gradient of a node.
function describe(panel, k, now) {
  const event = events[k];
  if (k > now) { panel.append(make("p", {}, "not computed yet")); return; }
  if (event.value) panel.append(statistics(event.value));
  const maps = make("div", { class: "maps" });
  if (event.value && event.value.map) maps.append(figure(event.value, "value"));
  const gradient = gradientAt(k, now);
  if (gradient.state === "whole" && event.gradient.map) maps.append(figure(event.gradient, "gradient"));
  panel.append(maps);
  const words = { wait: "gradient: not computed yet", none: "gradient: none, the result does not depend on it", constant: "constant: no gradient",
    part: `gradient so far: ${number(gradient.size || 0)} (${gradient.arrived} of ${gradient.of} contributions)`, whole: "" };
  if (gradient.state === "whole") {
    panel.append(make("p", { class: "warm" }, "gradient"), statistics(event.gradient));
    if (event.gradient.noise) panel.append(make("p", {}, "Only what rounding left: the terms of its sum cancel."));
  }
  else panel.append(make("p", { class: "warm" }, words[gradient.state]));
}
