"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { events, users, groups, of, formulas, signs } = data;
  const count = events.length;
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  // Time: event k runs forward at time k, and backward at time backAt(k).
  const backAt = (k) => 2 * count - 1 - k;
  const passes = (k) => events[k].kind === "op" && events[k].gradient !== undefined;

  // ---- state at a time --------------------------------------------------------------------------

  const members = groups.map(() => []);
  of.forEach((g, k) => { for (let at = g; at >= 0; at = groups[at].parent) members[at].push(k); });

  const arrivals = events.map(() => []); // contributions to an event, in the order they arrive
  for (let u = count - 1; u >= 0; u--)
    (events[u].inputs || []).forEach((place) => {
      if (place.out !== undefined) arrivals[place.from].push({ user: u, place });
    });

  function gradientAt(k, time) {
    const event = events[k];
    if (event.gradient === undefined) return { state: event.tracked && event.value ? "none" : "constant" };
    if (event.root) return { state: time >= count ? "whole" : "wait", size: 1 };
    const all = arrivals[k];
    const here = all.filter((a) => backAt(a.user) <= time);
    const complete = backAt(Math.min(...users[k])) <= time;
    if (complete) return { state: "whole" };
    if (!here.length) return { state: "wait" };
    return { state: "part", arrived: here.length, of: all.length, size: here[here.length - 1].place.sum };
  }

  // ---- text -------------------------------------------------------------------------------------

  function number(x, digits = 4) {
    if (typeof x === "string") return { inf: "∞", "-inf": "−∞" }[x] || "NaN";
    if (x === 0) return "0";
    const size = Math.abs(x);
    const text = size >= 1e5 || size < 1e-4 ? x.toExponential(Math.max(digits - 2, 1)) : String(+x.toPrecision(digits));
    return text.replace("e-", "e−").replace(/^-/, "−").replace("e+", "e");
  }
  const shape = (d) => (d.shape.length ? d.shape.join("×") : "");
  const brief = (d) => {
    if (!d) return "several results";
    if (d.number !== undefined) return number(d.number);
    return `${shape(d)}${d.rms === undefined ? "" : `  rms ${number(d.rms, 2)}`}`;
  };
  const isNumber = (k) => events[k].value && events[k].value.number !== undefined;
  const nought = (d) => (d.noise ? "≈ 0" : number(sizeOf(d), 3));
  const sizeOf = (d) => (d && d.number !== undefined ? d.number : d && d.rms !== undefined ? d.rms : "nan");
  const path = (g) => { const names = []; for (; g > 0; g = groups[g].parent) names.unshift(groups[g].title); return names.join(" › "); };
  const nameOf = (k) => {
    const event = events[k];
    if (event.title) return event.title;
    if (event.kind !== "op") return event.value && event.value.number !== undefined ? number(event.value.number) : event.kind;
    return event.op;
  };

  const headingOf = (k) => nameOf(k) + (events[k].sign ? ` = ${events[k].sign}` : "");
  const withOp = (k) => {
    const { op, sign, title } = events[k], shown = sign || title;
    return headingOf(k) + (op && ![op, signs[op]].includes(shown) ? ` (${op})` : "");
  };

  const called = (place) => {
    const event = events[place.from], name = nameOf(place.from);
    if (place.called === name) return name;
    if (event.kind === "constant" && !event.title && isNumber(place.from)) return "a constant";
    if (event.kind !== "op" || event.sign) return `${place.called}, ${name}`;
    return `${place.called}, the result of ${name}`;
  };

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, x] of Object.entries(attributes)) key === "class" ? (node.className = x) : node.setAttribute(key, x);
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  }
  function draw(tag, attributes = {}, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [key, x] of Object.entries(attributes)) node.setAttribute(key, x);
    if (text !== undefined) node.textContent = text;
    return node;
  }
  function formula(i, ...before) {
    const line = make("div", { class: "formula" }, ...before);
    if (i === undefined || i < 0) return null;
    const parsed = new DOMParser().parseFromString(formulas[i], "application/xml");
    if (parsed.querySelector("parsererror")) return null;
    const math = document.importNode(parsed.documentElement, true);
    [...math.querySelectorAll("mi")].filter((mi) => mi.textContent.length > 1).forEach(spaced);
    line.append(math);
    return line;
  }
  // A thin space between a name, or its power, and an operand beside it: tanh a, not tanha.
  function spaced(name) {
    const inside = (at) => at.parentElement.localName === "msup" || at.parentElement.localName === "msub" || (at.parentElement.localName === "mrow" && at.parentElement.children.length === 1);
    const operand = (at) => at && !["mo", "mspace"].includes(at.localName) && !(at.firstElementChild && at.firstElementChild.localName === "mo");
    const space = () => { const s = document.createElementNS("http://www.w3.org/1998/Math/MathML", "mspace"); s.setAttribute("width", "0.2em"); return s; };
    let at = name;
    while (inside(at)) at = at.parentElement;
    if (at.parentElement.localName !== "mrow") return;
    if (operand(at.nextElementSibling)) at.after(space());
    if (operand(at.previousElementSibling)) at.before(space());
  }

  // ---- colors of gradients: the logarithm of their size, one scale for the page --------------------

  const logs = events.filter((e) => e.gradient && !e.gradient.noise).map((e) => Math.log10(Math.abs(sizeOf(e.gradient)))).filter(Number.isFinite);
  const high = Math.max(...logs, -99), low = Math.max(Math.min(...logs, high - 1), high - 6);
  // At most --heat of the warm color, so that text in --ink stays readable on it.
  const shade = (t) => `color-mix(in srgb, var(--warm) calc(6% + var(--heat) * ${t.toFixed(2)}), var(--panel))`;
  function heat(size) {
    if (typeof size === "string") return "var(--odd)";
    if (!size) return "var(--zero)";
    const t = Math.min(Math.max((Math.log10(Math.abs(size)) - low) / (high - low), 0), 1);
    return shade(t);
  }

  // ---- the view: one group open -------------------------------------------------------------------

  let ready = false, zoomed = false;
  let finished = false; // all is shown at once, before anything was stepped
  let view = 0, time = 0, zoom = 1, chosen = null, timer = null;
  let boxes = [], edges = [], steps = [];

  function stepsOf(g) {
    const found = new Set();
    const { items, outside } = groups[g];
    items.slice(0, items.length - outside).forEach(([kind, k]) => {
      if (kind === "e") {
        found.add(k);
        if (passes(k)) found.add(backAt(k));
      } else {
        const inside = members[k];
        found.add(Math.max(...inside));
        const back = inside.filter(passes);
        if (back.length) found.add(backAt(Math.min(...back)));
      }
    });
    return [...found].sort((a, b) => a - b);
  }

  function open(g, keep) {
    view = g;
    const at = groups[g];
    steps = stepsOf(g);
    const svg = byId("graph");
    svg.replaceChildren();
    svg.setAttribute("viewBox", `-4 -4 ${at.width + 8} ${at.height + 8}`);
    edges = at.edges.map((pair, i) => {
      const p = at.paths[i];
      let d = `M${p[0]},${p[1]}`;
      for (let j = 2; j < p.length; j += 6) d += `C${p.slice(j, j + 6).join(",")}`;
      const line = draw("path", { class: "edge", d });
      const [x, y] = p.slice(-2), [px, py] = p.slice(-4, -2);
      const a = Math.atan2(y - py, x - px), c = Math.cos(a), s = Math.sin(a);
      const tip = draw("path", { class: "tip", d: `M${x},${y}l${-8 * c + 3.5 * s},${-8 * s - 3.5 * c}l${-7 * s},${7 * c}z` });
      svg.append(line, tip);
      return { line, pair };
    });
    boxes = at.items.map(([kind, k], i) => {
      const [x, y, w, h] = at.boxes[i];
      const outside = i >= at.items.length - at.outside;
      const classes = `box ${kind === "g" ? "group" : events[k].kind}${outside ? " outside" : ""}`;
      const g = draw("g", { class: classes, tabindex: "0", role: "button", transform: `translate(${x - w / 2},${y - h / 2})` });
      const title = kind === "g" ? groups[k].title : headingOf(k);
      const texts = [20, 36, 51].map((dy, j) => draw("text", { x: w / 2, y: dy, class: ["title", "value", "grad"][j] }));
      texts[0].textContent = title.length * 7 > w + 14 ? `${title.slice(0, Math.floor(w / 7.4))}…` : title;
      g.append(draw("rect", { width: w, height: h, rx: kind === "e" && events[k].kind === "op" ? 16 : kind === "g" ? 8 : 2 }), ...texts);
      const act = () => (kind === "g" ? open(k) : outside ? goTo(k) : choose(k));
      g.addEventListener("click", act);
      g.addEventListener("keydown", (e) => {
        if (e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        e.stopPropagation();
        act();
        if (view === k && kind === "g") boxes[0].g.focus(); // the box that had the focus is gone
      });
      if (kind === "e") ["mouseenter", "focus"].forEach((on) => g.addEventListener(on, () => choose(k)));
      svg.append(g);
      return { g, texts, kind, k, title, outside };
    });
    crumbs();
    strip();
    zoomed = false;
    fit();
    if (!keep) byId("scroll").scrollTo(0, 0);
    byId("slider").max = steps.length;
    show();
  }

  function position() {
    let n = 0;
    while (n < steps.length && steps[n] < time) n++;
    return n;
  }

  // `time` counts how much has happened: all with a time below it.
  function show() {
    const done = position();
    const now = done ? steps[done - 1] : -1;
    boxes.forEach((box) => {
      const { g, texts, kind, k } = box;
      let said;
      if (kind === "e") {
        const event = events[k], reached = k <= now;
        g.classList.toggle("unreached", !reached);
        const plain = event.kind === "constant" && !event.title && event.value.number !== undefined;
        texts[1].textContent = plain ? "constant" : reached ? brief(event.value) : "not yet";
        texts[1].setAttribute("class", reached ? "value" : "wait");
        const gradient = gradientAt(k, now);
        const noise = gradient.state === "whole" && event.gradient.noise;
        const size = gradient.state === "part" ? gradient.size : gradient.state === "whole" && !noise ? sizeOf(event.gradient) : 0;
        const word = { wait: "∂ not yet", none: "∂ no path", constant: "", whole: noise ? "∂ ≈ 0" : `∂ ${number(size, 3)}`,
          part: `∂ ${number(size, 3)} (${gradient.arrived}/${gradient.of})` }[gradient.state];
        const backwards = now >= count - 1 && done > 0;
        texts[2].textContent = reached && (backwards || gradient.state === "whole") ? word : "";
        texts[2].setAttribute("class", gradient.state === "wait" || gradient.state === "none" ? "wait" : "grad");
        const filled = gradient.state === "whole" || gradient.state === "part";
        g.querySelector("rect").style.fill = reached && filled ? heat(size) : "";
        g.classList.toggle("heated", reached && filled);
        g.classList.toggle("odd", reached && filled && typeof size === "string");
        const active = !finished && (now === k || (passes(k) && now === backAt(k)));
        g.classList.toggle("active", active);
        box.active = active;
        said = event.kind;
      } else {
        const inside = members[k], reached = Math.max(...inside) <= now;
        const back = inside.filter(passes);
        const passed = back.length && backAt(Math.min(...back)) <= now;
        g.classList.toggle("unreached", !reached);
        texts[1].textContent = reached ? `${inside.filter((e) => events[e].kind === "op").length} ops` : "not yet";
        texts[2].textContent = passed ? "∂ computed" : now >= count - 1 && back.length ? "∂ not yet" : "";
        box.active = !finished && (now === Math.max(...inside) || (back.length > 0 && now === backAt(Math.min(...back))));
        g.classList.toggle("active", box.active);
        said = `group of ${inside.length} nodes; Enter opens it`;
      }
      g.classList.toggle("chosen", kind === "e" && k === chosen);
      g.setAttribute("aria-label", [...texts.map((t) => t.textContent).filter(Boolean), said].join(" "));
    });
    edges.forEach(({ line, pair }) => {
      const into = boxes[pair[1]].active && !boxes[pair[1]].outside;
      line.setAttribute("class", `edge${into ? (now < count ? " forward" : " backward") : ""}`);
    });
    byId("slider").value = done;
    byId("slider").setAttribute("aria-valuetext", `step ${done} of ${steps.length}`);
    byId("count").textContent = `${done} / ${steps.length}`;
    tell(now);
    inspect();
    if (ready) note();
    const active = boxes.find((box) => box.active);
    if (active) scrollTo(active.g);
  }

  function scrollTo(g) {
    const area = byId("scroll"), a = area.getBoundingClientRect(), b = g.getBoundingClientRect();
    if (b.left < a.left + 8 || b.right > a.right - 8) area.scrollLeft += (b.left + b.right - a.left - a.right) / 2;
    if (b.top < a.top || b.bottom > a.bottom) area.scrollTop += (b.top + b.bottom - a.top - a.bottom) / 2;
  }

  // ---- the panel of the current step --------------------------------------------------------------

  function tell(now) {
    const panel = byId("now");
    panel.replaceChildren();
    if (now < 0) {
      panel.append(make("h2", {}, "Before the first step"), make("p", {}, "Press → or play: values flow forward, then gradients flow backward."));
      return;
    }
    if (finished) { overview(panel); return; }
    const forward = now < count, k = forward ? now : 2 * count - 1 - now;
    const box = boxes.find((b) => b.active);
    if (box && box.kind === "g") {
      panel.append(make("h2", {}, `${forward ? "Forward" : "Backward"}: ${box.title}`),
        make("p", {}, forward ? "Its values are computed." : "Its gradients are computed."),
        make("p", { class: "faint" }, "Open it (click, or Enter on the box) to step through it."));
      return;
    }
    const event = events[k];
    if (forward) {
      panel.append(make("h2", {}, `Forward: ${event.kind === "op" ? withOp(k) : `${event.kind} ${nameOf(k)}`}`));
      panel.append(formula(event.tex, `${event.sign ? event.title : "y"} = `) || "", formula(event.numbers, "= ") || "");
      if (event.details) panel.append(make("p", { class: "faint" }, `${event.op}: ${event.details}`));
      (event.inputs || []).forEach((place) => {
        if (place.from !== undefined) panel.append(make("p", {}, `${called(place)}: `, make("span", { class: "sum" }, brief(events[place.from].value))));
      });
      panel.append(make("p", { class: "sum" }, make("b", {}, `= ${brief(event.value)}`)));
      return;
    }
    panel.append(make("h2", { class: "warm" }, `Backward: ${withOp(k)}`));
    const incoming = sizeOf(event.gradient), rms = (j) => (isNumber(j) ? "" : " (rms)");
    panel.append(make("p", { class: "sum" }, `incoming gradient ȳ${rms(k)} = ${number(incoming)}`));
    (event.inputs || []).forEach((place) => {
      if (place.from === undefined) return;
      if (place.out === undefined) {
        if (!events[place.from].tracked) panel.append(make("p", { class: "faint" }, `to ${called(place)}: constant, no gradient`));
        return;
      }
      const term = make("div", { class: "term" }, make("p", {}, `to ${called(place)}:`), formula(place.tex) || "");
      term.append(make("p", { class: "sum" }, place.local !== undefined
        ? `${number(place.in)} × ${number(place.local)} = ${number(place.out)}${typeof place.local === "string" && place.out === 0 ? ": no branch that was taken leads from here to the result" : ""}`
        : `contribution${rms(place.from)} ${number(place.out)}`));
      const all = arrivals[place.from];
      if (all.length > 1) {
        const nth = all.findIndex((a) => a.place === place) + 1;
        const parts = all.slice(0, nth).map((a) => number(a.place.out)).map((x) => (x[0] === "−" ? `(${x})` : x));
        const addends = isNumber(place.from) && nth > 1 && nth <= 6 ? `${parts.join(" + ")} = ` : "";
        term.append(make("p", { class: "sum warm" }, `contribution ${nth} of ${all.length}; they add up: ${addends}${number(place.sum)}${rms(place.from)}${nth < all.length ? " so far" : ""}`));
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
    const scale = make("span", { class: "scale" }, ...[0, 0.25, 0.5, 0.75, 1].map((t) => make("span", { style: `background:${shade(t)}` })));
    const has = (test) => events.some(test);
    const rows = [
      [swatch("leaf"), "leaf: a Value that gets a gradient"],
      has((e) => e.kind === "constant") && [swatch("constant"), "constant: no gradient"],
      [swatch("op"), "result of an op, under the op's sign or as name = op"],
      groups.length > 1 && [swatch("group"), "group: click or Enter opens it"],
      [swatch("unreached"), "not computed yet"],
      [swatch("active"), "the current step"],
      ["∂", "gradient of the result with respect to this box; (2/5): 2 of 5 contributions have arrived"],
      logs.length > 0 && [scale, `size of the gradient, ${number(10 ** low, 2)} to ${number(10 ** high, 2)}, logarithmic`],
      has((e) => e.gradient && sizeOf(e.gradient) === "nan") && [swatch("nan"), "NaN or ∞"],
      has((e) => e.gradient && e.gradient.noise) && ["≈ 0", "only what rounding left of terms that cancel"],
      ["y, ȳ", "in formulas: the op's result, and its gradient ∂L/∂y, what has come back so far"],
      formulas.some((f) => f.includes("∑") || f.includes("&#x02211;")) && ["∑₀", "the sum over axis 0, along which an input was broadcast"],
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
    const panel = byId("node");
    panel.replaceChildren();
    if (chosen === null) { panel.append(make("p", { class: "faint" }, "Hover over a box, or Tab to it, to see its details.")); return; }
    const event = events[chosen], done = position(), now = done ? steps[done - 1] : -1;
    panel.append(make("h2", {}, headingOf(chosen), event.details && event.details !== nameOf(chosen) ? ` ${event.details}` : ""), make("p", { class: "faint" }, event.where || path(of[chosen]) || "the whole graph"));
    if (chosen > now) { panel.append(make("p", {}, "not computed yet")); return; }
    if (event.value) panel.append(statistics(event.value));
    const maps = make("div", { class: "maps" });
    if (event.value && event.value.map) maps.append(figure(event.value, "value"));
    const gradient = gradientAt(chosen, now);
    if (gradient.state === "whole" && event.gradient.map) maps.append(figure(event.gradient, "gradient"));
    panel.append(maps);
    const words = { wait: "gradient: not computed yet", none: "gradient: none, the result does not depend on it", constant: "constant: no gradient",
      part: `gradient so far: ${number(gradient.size || 0)} (${gradient.arrived} of ${gradient.of} contributions)`, whole: "" };
    if (gradient.state === "whole") {
      panel.append(make("p", { class: "warm" }, "gradient"), statistics(event.gradient));
      if (event.gradient.noise) panel.append(make("p", {}, "Only what rounding left: the terms of its sum cancel."));
    }
    else panel.append(make("p", { class: "warm" }, words[gradient.state]));
    if (event.line) panel.append(make("p", {}, make("code", {}, event.line)));
  }

  // ---- navigation -----------------------------------------------------------------------------------

  function choose(k) { chosen = k; boxes.forEach((b) => b.g.classList.toggle("chosen", b.kind === "e" && b.k === k)); inspect(); }
  function goTo(k) {
    open(of[k]);
    choose(k);
    const box = boxes.find((b) => b.kind === "e" && b.k === k);
    if (box) { scrollTo(box.g); box.g.focus(); }
  }
  function up() { if (groups[view].parent >= 0) { const from = view; open(groups[view].parent); const box = boxes.find((b) => b.kind === "g" && b.k === from); if (box) { scrollTo(box.g); box.g.focus(); } } }
  function crumbs() {
    const nav = byId("crumbs");
    nav.replaceChildren();
    const chain = [];
    for (let g = view; g >= 0; g = groups[g].parent) chain.unshift(g);
    chain.forEach((g, i) => {
      if (i) nav.append(" › ");
      if (g === view) { nav.append(make("span", { "aria-current": "page" }, groups[g].title)); return; }
      const button = make("button", { type: "button" }, groups[g].title);
      button.addEventListener("click", () => { open(g); boxes[0].g.focus(); });
      nav.append(button);
    });
  }
  function strip() {
    const area = byId("strip"), strips = Object.entries(groups[view].strips);
    area.hidden = !strips.length;
    area.replaceChildren();
    const known = strips.flatMap(([, norms]) => norms).filter((n) => n > 0).map(Math.log10);
    const top = Math.max(...known), bottom = Math.min(...known, top - 1);
    strips.forEach(([name, norms]) => {
      const said = (n) => (n === null ? "none" : number(n)), last = norms.length - 1;
      const ends = `‖∂L/∂${name}‖ after each of ${norms.length} steps, on a logarithmic scale: ${said(norms[0])} after the first, ${said(norms[last])} after the last`;
      const bars = make("div", { role: "img", "aria-label": ends });
      norms.forEach((n, i) => {
        const bar = make("span", { title: `after step ${i + 1}: ‖∂L/∂${name}‖ = ${said(n)}` });
        bar.style.height = n > 0 ? `${6 + (94 * (Math.log10(n) - bottom)) / (top - bottom)}%` : "1px";
        bars.append(bar);
      });
      area.append(make("p", {}, ends), bars);
    });
  }
  function scale() {
    const svg = byId("graph"), at = groups[view];
    svg.setAttribute("width", (at.width + 8) * zoom);
    svg.setAttribute("height", (at.height + 8) * zoom);
  }
  function fit() {
    const area = byId("scroll"), at = groups[view];
    zoom = Math.min(1.6, Math.max(0.62, Math.min((area.clientWidth - 22) / (at.width + 8), (area.clientHeight - 22) / (at.height + 8))));
    scale();
  }

  const query = byId("query"), hits = byId("hits");
  query.addEventListener("input", () => {
    const word = query.value.trim().toLowerCase();
    hits.replaceChildren();
    hits.hidden = !word;
    if (!word) return;
    const found = [];
    groups.forEach((g, i) => { if (i && g.title.toLowerCase().includes(word)) found.push([`${g.title} — group`, () => open(i)]); });
    events.forEach((e, k) => { if (nameOf(k).toLowerCase().includes(word) || (e.op || "").includes(word)) found.push([`${nameOf(k)}${e.op && e.op !== nameOf(k) ? ` (${e.op})` : ""} — ${path(of[k]) || "the whole graph"}`, () => goTo(k)]); });
    found.slice(0, 40).forEach(([text, act]) => {
      const button = make("button", { type: "button" }, text);
      button.addEventListener("click", () => { hits.hidden = true; query.value = ""; act(); });
      hits.append(make("li", {}, button));
    });
    if (!found.length) hits.append(make("li", { class: "faint" }, "no match"));
  });
  byId("search").addEventListener("submit", (e) => { e.preventDefault(); const first = hits.querySelector("button"); if (first) first.click(); });

  // ---- moving ---------------------------------------------------------------------------------------

  function to(n, overall = false) {
    finished = overall;
    n = Math.min(Math.max(n, 0), steps.length);
    time = n === 0 ? 0 : steps[n - 1] + 1;
    show();
  }
  function stop() { clearInterval(timer); timer = null; byId("play").textContent = "▶ play"; byId("play").setAttribute("aria-label", "play"); }
  function play() {
    if (timer) { stop(); return; }
    if (position() >= steps.length) to(0);
    byId("play").textContent = "⏸ pause";
    byId("play").setAttribute("aria-label", "pause");
    timer = setInterval(() => { to(position() + 1); if (position() >= steps.length) stop(); }, 900);
  }
  byId("slider").addEventListener("input", (e) => to(+e.target.value));
  byId("first").addEventListener("click", () => to(0));
  byId("back").addEventListener("click", () => to(position() - 1));
  byId("next").addEventListener("click", () => to(position() + 1));
  byId("last").addEventListener("click", () => to(steps.length));
  byId("play").addEventListener("click", play);
  byId("fit").addEventListener("click", () => { zoomed = false; fit(); });
  function magnify(factor) {
    zoomed = true;
    zoom = Math.min(Math.max(zoom * factor, 0.2), 3);
    scale();
  }
  byId("larger").addEventListener("click", () => magnify(1.25));
  byId("smaller").addEventListener("click", () => magnify(1 / 1.25));
  const area = byId("scroll");
  area.addEventListener("wheel", (e) => { // a pinch on a touchpad is a wheel with the control key
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const { left, top } = area.getBoundingClientRect(), before = zoom;
    magnify(Math.exp(-e.deltaY / 300));
    const moved = zoom / before - 1;
    area.scrollBy((area.scrollLeft + e.clientX - left) * moved, (area.scrollTop + e.clientY - top) * moved);
  }, { passive: false });
  area.addEventListener("pointermove", (e) => { // drag the background; touch scrolls by itself
    if (e.pointerType === "mouse" && e.buttons === 1 && !e.target.closest(".box")) area.scrollBy(-e.movementX, -e.movementY);
  });
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target === query) { if (e.key === "Escape") { query.value = ""; hits.hidden = true; query.blur(); } return; }
    const inSlider = e.target.id === "slider";
    const move = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (move) to(position() + move);
    else if (e.key === "Home") to(0);
    else if (e.key === "End") to(steps.length);
    else if (e.key === " " && (e.target.tagName !== "BUTTON" || inSlider)) play();
    else if (e.key === "Escape" || e.key === "Backspace") up();
    else if (e.key === "/") query.focus();
    else return;
    e.preventDefault();
  });
  window.addEventListener("resize", () => { if (!zoomed) fit(); });

  // ---- the address: #g3s17 is group 3 after 17 steps ---------------------------------------------------

  function note() {
    const text = `#g${view}s${position()}`;
    if (location.hash !== text) try { history.replaceState(null, "", text); } catch { /* a sandboxed frame has no address */ }
  }
  function followed() {
    const at = /^#g(\d+)s(\d+)$/.exec(location.hash);
    if (!at || +at[1] >= groups.length) return false;
    open(+at[1]);
    to(+at[2]);
    return true;
  }
  window.addEventListener("hashchange", followed);
  legend();
  ready = followed();
  if (!ready) { open(0); to(steps.length, true); ready = true; }
})();
