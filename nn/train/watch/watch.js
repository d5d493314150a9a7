"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { steps, series, ends, curves, places } = data;
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  const stop = Math.max(steps.length ? steps[steps.length - 1] : 0, ends.length ? ends[ends.length - 1] : 0, 1);

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
    const panels = Math.max(1, Object.keys(curves).filter((name) => !name.startsWith("val_")).length);
    const columns = Math.max(1, Math.min(panels, Math.floor((whole + gap) / (380 + gap))));
    return Math.floor((whole - gap * (columns - 1)) / columns) - 26;
  }

  function spark(ys, s, say, warn) {
    const value = make("b"), cell = make("div", { class: "spark" });
    const svg = draw(cell, "svg", { viewBox: "0 0 300 30", preserveAspectRatio: "none", "aria-hidden": "true" });
    const x = (step) => (300 * step) / stop, y = (v) => 28 - (26 * (s.of(v) - s.low)) / (s.high - s.low);
    const still = { "vector-effect": "non-scaling-stroke" };
    [2, 28].forEach((at) => draw(svg, "line", { class: "grid", x1: 0, x2: 300, y1: at, y2: at, ...still }));
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

  function table(section, title, columns, note) {
    const names = [...new Set(columns.flatMap((c) => Object.keys(series[c.kind] || {})))];
    section.hidden = !names.length;
    if (!names.length) return;
    const rows = make("div", { class: "rows" }, make("span", { class: "head name" }, ""));
    columns.forEach((c) => {
      c.scale = scale(Object.values(series[c.kind] || {}), c.bounds);
      const ends = [c.scale.low, c.scale.high].map((t) => c.say(c.scale.back(t)));
      rows.append(make("span", { class: "head" }, `${c.title}, ${ends[0]} … ${ends[1]}${c.scale.log ? ", log" : ""}`));
    });
    names.forEach((name) => {
      rows.append(make("span", { class: "name" }, name));
      columns.forEach((c) => {
        const ys = (series[c.kind] || {})[name];
        rows.append(ys ? spark(ys, c.scale, c.say, c.warn) : make("span"));
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
      list.append(make("div", {}, make("span", { class: "name" }, name), spark(ys, bounds, (x) => `${percent(x)} ${word}`, (x) => x >= most)));
    }));
    section.hidden = !list.childElementCount;
    if (!section.hidden) section.append(make("div", { class: "panel" }, make("h2", {}, "Activations"), list, make("p", { class: "note" },
      "From 0 to 100 %. Saturated: elements near a bound of the function, where its slope vanishes. Dead: units that are 0 for the whole batch.")));
  }

  function build() {
    followers.length = 0;
    const area = byId("curves"), at = { loss: { ...series.loss }[""] || [] };
    [area, byId("layers"), byId("activations")].forEach((s) => s.replaceChildren());
    const metrics = [...new Set(["loss", ...Object.keys(curves).map((name) => name.replace(/^val_/, ""))])];
    metrics.forEach((name) => {
      const lines = [];
      if (name === "loss" && at.loss.length) lines.push({ name: "batch", xs: steps, ys: at.loss, look: "soft" });
      if (curves[name]) lines.push({ name: "training, by epoch", xs: places[name], ys: curves[name], look: "first" });
      if (curves[`val_${name}`]) lines.push({ name: "validation", xs: places[`val_${name}`], ys: curves[`val_${name}`], look: "second" });
      if (lines.length) area.append(chart(name, lines));
    });
    const large = (x) => typeof x === "string" || x > 0.1;
    table(byId("layers"), "Layers", [
      { kind: "gradient", title: "gradient norm", say: (x) => number(x), warn: (x) => typeof x !== "number" },
      { kind: "ratio", title: "update / weights", say: (x) => number(x), warn: large },
    ], "The gradient norm of each layer, and its relative update ‖Δw‖/‖w‖; about 0.001 is typical.");
    flows();
    show();
  }

  // ---- the cursor ------------------------------------------------------------------------------------

  const cursor = byId("cursor");
  cursor.max = Math.max(steps.length - 1, 0);
  cursor.disabled = steps.length < 2;
  function show() {
    const sample = +cursor.value, step = steps.length ? steps[sample] : 0;
    const latest = sample === steps.length - 1;
    followers.forEach((follow) => follow(latest ? stop : step, sample));
    byId("at").textContent = steps.length ? `update ${step.toLocaleString("en")}` : "no sample yet";
    cursor.setAttribute("aria-valuetext", byId("at").textContent);
  }
  cursor.addEventListener("input", show);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target === cursor || cursor.disabled) return;
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
    memory({ scroll: scrollY, written: data.written, seen, at: +cursor.value < +cursor.max ? steps[+cursor.value] : null, focus: (document.activeElement || {}).id || "" });
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
  data.remarks.forEach((text) => byId("remarks").append(make("li", {}, text)));
  const kept = before && before.at !== null ? steps.findIndex((step) => step >= before.at) : -1;
  cursor.value = kept >= 0 ? kept : +cursor.max;
  tell();
  build();
  if (before) {
    scrollTo(0, before.scroll);
    if (before.focus && byId(before.focus)) byId(before.focus).focus({ preventScroll: true });
  }
  window.addEventListener("resize", build);
})();
