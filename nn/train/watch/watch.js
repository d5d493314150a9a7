"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { steps, series, ends, curves, places, beside, columns, histograms } = data;
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const latest = (run) => Math.max(0, ...[run.steps, ...Object.values(run.places)].map((xs) => xs[xs.length - 1] || 0));
  const own = Math.max(latest(data), ends.length ? ends[ends.length - 1] : 0);
  const stop = Math.max(own, ...beside.map(latest), 1);
  const look = (run) => `run${1 + (run % 3)}`;

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [key, x] of Object.entries(attributes)) key === "class" ? (node.className = x) : node.setAttribute(key, x);
    node.append(...children);
    return node;
  }
  function draw(parent, tag, attributes = {}, text) {
    const node = document.createElementNS(SVG, tag);
    for (const [key, x] of Object.entries(attributes)) node.setAttribute(key, x);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  }
  function number(x, digits = 3) {
    if (x === null || x === undefined) return "none";
    if (typeof x === "string") return { inf: "∞", "-inf": "−∞" }[x] || "NaN";
    if (x === 0) return "0";
    const size = Math.abs(x);
    const text = size >= 1e5 || size < 1e-3 ? x.toExponential(digits - 1) : String(+x.toPrecision(digits));
    return text.replace("e-", "e−").replace(/^-/, "−").replace("e+", "e");
  }
  const percent = (x) => (typeof x === "number" ? `${(100 * x).toFixed(x > 0 && x < 0.1 ? 1 : 0)} %` : number(x));

  // ---- scales: linear, or logarithmic for positive values of very different size ---------------------

  function scale(lines, bounds) {
    const all = lines.flat().filter((y) => typeof y === "number");
    if (bounds) return { low: bounds[0], high: bounds[1], of: (y) => y, back: (t) => t, log: false };
    if (!all.length) return { low: 0, high: 1, of: (y) => y, back: (t) => t, log: false };
    let low = all.reduce((a, b) => Math.min(a, b)), high = all.reduce((a, b) => Math.max(a, b));
    const log = low > 0 && high / low > 30;
    if (log) { low = Math.log10(low); high = Math.log10(high); }
    if (high - low < 1e-12) { const pad = log ? 0.5 : Math.max(Math.abs(high) * 0.1, 1e-6); low -= pad; high += pad; }
    return { low, high, log, of: (y) => (log ? (y > 0 ? Math.log10(y) : low) : y), back: (t) => (log ? 10 ** t : t) };
  }
  function ticks(s) {
    if (s.log) {
      const every = Math.max(1, Math.ceil((s.high - s.low) / 5)), found = [];
      for (let t = Math.ceil(s.low); t <= s.high; t += every) found.push(t);
      if (found.length > 1) return found;
    }
    const raw = (s.high - s.low) / 4, size = 10 ** Math.floor(Math.log10(raw));
    const every = [1, 2, 2.5, 5, 10].map((m) => m * size).find((m) => m >= raw), found = [];
    for (let t = Math.ceil(s.low / every) * every; t <= s.high + 1e-12; t += every) found.push(Math.abs(t) < every / 1e6 ? 0 : t);
    return found;
  }
  function trail(xs, ys, x, y) {
    let d = "", pen = "M";
    ys.forEach((value, i) => {
      if (typeof value !== "number") { pen = "M"; return; }
      d += `${pen}${x(xs[i]).toFixed(1)},${y(value).toFixed(1)}`;
      pen = "L";
    });
    return d;
  }

  // ---- charts: each registers a function that moves its cursor ----------------------------------------

  const followers = [];
  let panels = 1;

  function chart(title, lines, bounds) {
    const panel = make("figure", { class: "panel" }, make("h2", {}, title));
    const width = Math.max(panelWidth(), 220), height = 190, left = 52, right = 10, top = 8, bottom = 20;
    const s = scale(lines.map((l) => l.ys), bounds);
    const x = (step) => left + ((width - left - right) * step) / stop;
    const y = (value) => height - bottom - ((height - top - bottom) * (s.of(value) - s.low)) / (s.high - s.low);
    const svg = draw(panel, "svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": `${title} by update` });
    ticks(s).forEach((t) => {
      const at = y(s.back(t));
      draw(svg, "line", { class: "grid", x1: left, x2: width - right, y1: at, y2: at });
      draw(svg, "text", { x: left - 6, y: at + 4, "text-anchor": "end" }, number(s.back(t)));
    });
    draw(svg, "text", { x: left, y: height - 5 }, "0");
    draw(svg, "text", { x: width - right, y: height - 5, "text-anchor": "end" }, `update ${stop.toLocaleString("en")}${s.log ? ", log scale" : ""}`);
    const now = draw(svg, "line", { class: "now", y1: top, y2: height - bottom });
    const key = make("p", { class: "key" });
    lines.forEach((line) => {
      draw(svg, "path", { class: `line ${line.look}`, d: trail(line.xs, line.ys, x, y) });
      if (line.ys.length < 25 || line.ys.filter((v) => typeof v === "number").length === 1)
        line.ys.forEach((v, i) => typeof v === "number" && draw(svg, "circle", { class: `dot ${line.look}`, cx: x(line.xs[i]), cy: y(v), r: 2.4 }));
      const value = make("b");
      key.append(make("span", {}, make("i", { class: line.look }), `${line.name} `, value));
      line.value = value;
    });
    followers.push((step) => {
      now.setAttribute("x1", x(step));
      now.setAttribute("x2", x(step));
      lines.forEach((line) => {
        let i = line.xs.length - 1;
        while (i >= 0 && line.xs[i] > step) i--;
        line.value.textContent = i < 0 ? "not yet" : number(line.ys[i], 4);
      });
    });
    panel.append(key);
    return panel;
  }
  function panelWidth() {
    const whole = document.documentElement.clientWidth - 28, gap = 12;
    const across = Math.max(1, Math.min(panels, Math.floor((whole + gap) / (380 + gap))));
    return Math.floor((whole - gap * (across - 1)) / across) - 26;
  }

  function spark(ys, s, say, warn, others = []) {
    const value = make("b"), cell = make("div", { class: "spark" });
    const svg = draw(cell, "svg", { viewBox: "0 0 300 30", preserveAspectRatio: "none", "aria-hidden": "true" });
    const x = (step) => (300 * step) / stop, y = (v) => 28 - (26 * (s.of(v) - s.low)) / (s.high - s.low);
    const still = { "vector-effect": "non-scaling-stroke" };
    [2, 28].forEach((at) => draw(svg, "line", { class: "grid", x1: 0, x2: 300, y1: at, y2: at, ...still }));
    others.forEach(([run, line], i) => line && draw(svg, "path", { class: `line ${look(i)}`, d: trail(run.steps, line, x, y), ...still }));
    draw(svg, "path", { class: "line", d: trail(steps, ys, x, y), ...still });
    const now = draw(svg, "line", { class: "now", y1: 0, y2: 30, ...still });
    followers.push((step, sample) => {
      now.setAttribute("x1", x(step));
      now.setAttribute("x2", x(step));
      value.textContent = say(ys[sample]);
      value.classList.toggle("warn", warn(ys[sample]));
    });
    cell.append(value);
    return cell;
  }

  const besides = (kind, name) => beside.map((run) => [run, (run.series[kind] || {})[name]]);

  function table(section, title, columns, note) {
    const names = [...new Set(columns.flatMap((c) => Object.keys(series[c.kind] || {})))];
    section.hidden = !names.length;
    if (!names.length) return;
    const rows = make("div", { class: "rows" }, make("span", { class: "head name" }, ""));
    columns.forEach((c) => {
      c.scale = scale([data, ...beside].flatMap((run) => names.map((name) => (run.series[c.kind] || {})[name] || [])), c.bounds);
      const ends = [c.scale.low, c.scale.high].map((t) => c.say(c.scale.back(t)));
      rows.append(make("span", { class: "head" }, `${c.title}, ${ends[0]} … ${ends[1]}${c.scale.log ? ", log" : ""}`));
    });
    names.forEach((name) => {
      rows.append(make("span", { class: "name" }, name));
      columns.forEach((c) => {
        const ys = (series[c.kind] || {})[name];
        rows.append(ys ? spark(ys, c.scale, c.say, c.warn, besides(c.kind, name)) : make("span"));
      });
    });
    section.append(make("div", { class: "panel" }, make("h2", {}, title), rows, make("p", { class: "note" }, note)));
  }

  function flows() {
    const section = byId("activations"), list = make("div", { class: "cells" });
    const kinds = { saturated: { most: 0.8, word: "saturated" }, dead: { most: 0.5, word: "dead" } };
    const bounds = scale([], [0, 1]);
    data.activations.forEach((name) => Object.entries(kinds).forEach(([kind, { most, word }]) => {
      const ys = (series[kind] || {})[name];
      if (!ys) return;
      list.append(make("div", {}, make("span", { class: "name" }, name), spark(ys, bounds, (x) => `${percent(x)} ${word}`, (x) => x >= most, besides(kind, name))));
    }));
    section.hidden = !list.childElementCount;
    if (!section.hidden) section.append(make("div", { class: "panel" }, make("h2", {}, "Activations"), list, make("p", { class: "note" },
      "From 0 to 100 %. Saturated: elements near a bound of the function, where its slope vanishes. Dead: units that are 0 for the whole batch.")));
  }

  // ---- histograms: shades over the updates, and bars at the cursor -------------------------------------

  const KINDS = { weights: "weights and biases", gradients: "gradients", activations: "activations" };
  let kind = "weights";

  function at(column, step) {
    let i = column.length - 1;
    while (i > 0 && column[i] > step) i--;
    return i;
  }
  const sum = (counts) => counts.reduce((a, b) => a + b, 0);
  const drawn = (h) => h && sum(h[2]) > 0;
  const said = (x) => number(kind === "gradients" ? 10 ** x : x);

  function shades(list, low, high) {
    const canvas = make("canvas", { width: 600, height: 192, role: "img" }), ink = canvas.getContext("2d");
    ink.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--first");
    const y = (v) => (high > low ? 190 - (188 * (v - low)) / (high - low) : 96);
    list.forEach((h, i) => {
      if (!drawn(h)) return;
      const from = (600 * columns[i]) / stop, to = (600 * (i + 1 < list.length ? columns[i + 1] : own)) / stop;
      const most = Math.max(...h[2]), size = (h[1] - h[0]) / h[2].length;
      h[2].forEach((count, k) => {
        if (!count) return;
        ink.globalAlpha = 0.08 + 0.92 * Math.sqrt(count / most);
        const top = y(h[0] + (k + 1) * size), bottom = y(h[0] + k * size);
        ink.fillRect(from, Math.min(top, bottom - 1.5), Math.max(to - from, 1.5), Math.max(bottom - top, 1.5));
      });
    });
    return canvas;
  }

  function outline(h, x, tall, closed) {
    const size = (h[1] - h[0]) / h[2].length;
    let d = `M${x(h[0]).toFixed(1)},80`;
    h[2].forEach((count, k) => { d += `V${(80 - tall(count, h)).toFixed(1)}H${x(h[0] + (k + 1) * size).toFixed(1)}`; });
    return d + (closed ? "V80Z" : "V80");
  }

  function spread(name, list) {
    const known = list.filter(drawn), low = Math.min(...known.map((h) => h[0])), high = Math.max(...known.map((h) => h[1]));
    const now = make("span", { class: "now" }), canvas = shades(list, low, high), words = make("p");
    canvas.setAttribute("aria-label", `${KINDS[kind]} of ${name} by update, from ${said(low)} to ${said(high)}`);
    const bars = make("div"), svg = draw(bars, "svg", { viewBox: "0 0 240 80", preserveAspectRatio: "none", role: "img" });
    const least = make("span"), greatest = make("span");
    bars.append(make("p", { class: "ends" }, least, greatest));
    followers.push((step) => {
      now.style.left = `${(100 * step) / stop}%`;
      svg.replaceChildren();
      least.textContent = greatest.textContent = "";
      const i = at(columns, step), h = list[i];
      words.textContent = h ? caption(h, columns[i]) : `none at update ${columns[i]}`;
      svg.setAttribute("aria-label", `Histogram: ${words.textContent}`);
      if (!drawn(h)) return;
      const others = beside.map((run) => {
        const lines = ((run.histograms || {})[kind] || {})[name];
        return lines && lines[at(run.columns, step)];
      });
      const all = [h, ...others].filter(drawn), left = Math.min(...all.map((o) => o[0])), right = Math.max(...all.map((o) => o[1]));
      const pad = right > left ? 0 : 1, x = (v) => 2 + (236 * (v - left + pad)) / (right - left + 2 * pad);
      const wide = (o) => Math.max(o[1] - o[0], 1e-300);
      const peak = Math.max(...all.map((o) => Math.max(...o[2]) / sum(o[2]) / wide(o)));
      const tall = (count, o) => (76 * count) / sum(o[2]) / wide(o) / peak;
      if (h[1] > h[0]) draw(svg, "path", { class: "bar", d: outline(h, x, tall, true) });
      else draw(svg, "rect", { class: "bar", x: x(h[0]) - 1.5, width: 3, y: 4, height: 76 });
      others.forEach((o, k) => drawn(o) && draw(svg, "path", { class: `line ${look(k)}`, d: outline(o, x, tall, false), "vector-effect": "non-scaling-stroke" }));
      draw(svg, "line", { class: "grid", x1: 0, x2: 240, y1: 80, y2: 80 });
      [least.textContent, greatest.textContent] = [said(left), said(right)];
    });
    const ends = make("p", {}, `shades from ${said(low)} (bottom) to ${said(high)} (top)`);
    return make("div", { class: "spread" }, make("div", { class: "name" }, name),
      make("div", { class: "pair" }, make("div", {}, canvas, now), bars), words, ends);
  }
  function caption(h, step) {
    const whole = (n) => n.toLocaleString("en"), count = sum(h[2]) + h[4] + (kind === "gradients" ? h[3] : 0);
    const parts = [`update ${whole(step)}: ${whole(count)}${count < h[5] ? ` of ${whole(h[5])}` : ""} numbers`];
    if (h[3]) parts.push(`${percent(h[3] / count)} are 0`);
    if (h[4]) parts.push(`${whole(h[4])} are not finite`);
    return parts.join(", ");
  }

  function spreads() {
    const section = byId("histograms"), kinds = Object.keys(KINDS).filter((k) => Object.keys(histograms[k] || {}).length);
    section.hidden = !kinds.length;
    if (!kinds.length) return;
    if (!kinds.includes(kind)) kind = kinds[0];
    const choice = make("fieldset", {}, make("legend", {}, "Histograms"));
    kinds.forEach((k) => {
      const button = make("input", { type: "radio", name: "kind", id: `kind-${k}`, value: k });
      button.checked = k === kind;
      button.addEventListener("change", () => { kind = k; build(); byId(`kind-${k}`).focus({ preventScroll: true }); });
      choice.append(make("label", {}, button, KINDS[k]));
    });
    const list = make("div", { class: "spreads" });
    Object.entries(histograms[kind]).forEach(([name, column]) => column.some(drawn) ? list.append(spread(name, column))
      : list.append(make("div", { class: "spread" }, make("div", { class: "name" }, name), make("p", {}, "none but 0 so far"))));
    section.append(make("div", { class: "panel" }, choice, list, make("p", { class: "note" }, kind === "gradients"
      ? "Magnitudes on a logarithmic scale, the darker the more; zeros are counted apart. Right: the shares at the cursor."
      : "The darker, the more numbers have this value. Right: the shares at the cursor.")));
  }

  function rates() {
    const found = new Map();
    Object.entries(series.rate || {}).forEach(([name, ys]) => {
      const key = JSON.stringify(ys);
      if (ys.some((y) => typeof y === "number")) found.set(key, [...(found.get(key) || []), name]);
    });
    const looks = ["first", "second", "run1", "run2", "run3"];
    return [...found.values()].slice(0, looks.length).map((names, i) => ({
      name: found.size > 1 ? (names.length > 1 ? `${names[0]} … ${names[names.length - 1]}` : names[0]) : "every layer", xs: steps, ys: series.rate[names[0]], look: looks[i],
    }));
  }

  function build() {
    followers.length = 0;
    const area = byId("curves"), batch = { ...series.loss }[""] || [];
    [area, byId("layers"), byId("activations"), byId("histograms")].forEach((s) => s.replaceChildren());
    const runs = [data, ...beside], rate = rates();
    const metrics = [...new Set(["loss", ...runs.flatMap((run) => Object.keys(run.curves)).map((name) => name.replace(/^val_/, ""))])];
    const moves = rate.length > 1 || rate.some((line) => new Set(line.ys).size > 1);
    panels = metrics.length + (moves ? 1 : 0);
    metrics.forEach((name) => {
      const lines = [];
      if (name === "loss" && batch.length) lines.push({ name: "batch", xs: steps, ys: batch, look: "soft" });
      runs.forEach((run, i) => {
        const whose = i ? `${run.name}, ` : "", val = `val_${name}`;
        if (run.curves[name]) lines.push({ name: `${whose}training, by epoch`, xs: run.places[name], ys: run.curves[name], look: i ? look(i - 1) : "first" });
        if (run.curves[val]) lines.push({ name: `${whose}validation`, xs: run.places[val], ys: run.curves[val], look: i ? `${look(i - 1)} dashed` : "second" });
      });
      if (lines.length) area.append(chart(name, lines));
    });
    if (moves) area.append(chart("learning rate", rate));
    const large = (x) => typeof x === "string" || x > 0.1;
    table(byId("layers"), "Layers", [
      { kind: "gradient", title: "gradient norm", say: (x) => number(x), warn: (x) => typeof x !== "number" },
      { kind: "ratio", title: "update / weights", say: (x) => number(x), warn: large },
    ], `The gradient norm of each layer, and its relative update ‖Δw‖/‖w‖; about 0.001 is typical.${moves || !rate.length ? "" : ` The learning rate is ${number(rate[0].ys[0])}.`}`);
    flows();
    spreads();
    show();
  }

  // ---- the cursor ------------------------------------------------------------------------------------

  const cursor = byId("cursor");
  cursor.max = Math.max(steps.length - 1, 0);
  cursor.disabled = steps.length < 2;
  function show() {
    const sample = +cursor.value, step = steps.length ? steps[sample] : 0;
    followers.forEach((follow) => follow(sample === steps.length - 1 ? own : step, sample));
    byId("at").textContent = steps.length ? `update ${step.toLocaleString("en")}` : "no sample yet";
    cursor.setAttribute("aria-valuetext", byId("at").textContent);
  }
  cursor.addEventListener("input", show);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.tagName === "INPUT" || cursor.disabled) return;
    const to = { ArrowLeft: +cursor.value - 1, ArrowRight: +cursor.value + 1, Home: 0, End: +cursor.max }[e.key];
    if (to === undefined) return;
    cursor.value = to;
    show();
    e.preventDefault();
  });

  // ---- the run: the live page reloads itself and keeps its scroll position and cursor -------------------

  function memory(entry) {
    try {
      const key = `watch ${location.pathname}`;
      if (entry) sessionStorage.setItem(key, JSON.stringify(entry));
      return JSON.parse(sessionStorage.getItem(key));
    } catch { return null; } // no storage, as in a notebook's iframe
  }
  const before = memory();
  // when this version of the page was first seen, by the browser's clock
  const seen = before && before.written === data.written ? before.seen : Date.now();
  let held = false, timer = null;
  function again() {
    memory({ scroll: scrollY, written: data.written, seen, kind, at: +cursor.value < +cursor.max ? steps[+cursor.value] : null, focus: (document.activeElement || {}).id || "" });
    location.reload();
  }
  function schedule() {
    clearTimeout(timer);
    if (!held) timer = setTimeout(again, 1000 * Math.max(data.seconds, 0.5));
  }
  function tell() {
    const age = (Date.now() - seen) / 1000;
    const where = `epoch ${data.epoch} of ${data.epochs}, ${data.step.toLocaleString("en")} updates`;
    const silent = age > Math.max(30, 10 * data.seconds);
    byId("status").textContent = !data.live ? `${data.interrupted ? "interrupted" : "finished"}: ${where}`
      : silent ? `${where}; no update for ${Math.round(age)} s: the run was killed, or a step takes long`
      : held ? `paused at ${where}` : `running: ${where}`;
  }
  if (data.live) {
    const hold = byId("hold");
    hold.hidden = false;
    hold.addEventListener("click", () => { held = !held; hold.textContent = held ? "resume" : "pause"; hold.setAttribute("aria-pressed", held); schedule(); tell(); });
    cursor.addEventListener("pointerdown", () => clearTimeout(timer));
    cursor.addEventListener("pointerup", schedule);
    schedule();
  }
  byId("remarks").hidden = !data.remarks.length;
  const graph = window === window.top && data.graph; // a notebook's frame has no file beside it
  if (graph) {
    byId("graph").hidden = false;
    byId("graph").href = graph;
  }
  data.remarks.forEach(({ text, first, last, now, event }) => {
    const when = now ? `since update ${first.toLocaleString("en")}` : `updates ${first.toLocaleString("en")} to ${last.toLocaleString("en")}, over`;
    const go = make("button", { type: "button", title: "move the cursor there" }, when);
    go.addEventListener("click", () => { cursor.value = Math.max(steps.findIndex((step) => step >= first), 0); show(); });
    const item = make("li", now ? {} : { class: "over" }, go, text);
    if (graph && event !== null) item.append(make("a", { href: `${graph}#n${event}u${first}` }, "in the graph →"));
    byId("remarks").firstElementChild.append(item);
  });
  const kept = before && before.at !== null ? steps.findIndex((step) => step >= before.at) : -1;
  if (before && before.kind) kind = before.kind;
  cursor.value = kept >= 0 ? kept : +cursor.max;
  tell();
  build();
  if (before) {
    scrollTo(0, before.scroll);
    if (before.focus && byId(before.focus)) byId(before.focus).focus({ preventScroll: true });
  }
  window.addEventListener("resize", build);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", build);
})();
