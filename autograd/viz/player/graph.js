// The view: the boxes and arrows of one open group, at the current time.

let logs, high, low;
function heats(gradients) {
  logs = gradients.map((g) => Math.log10(Math.abs(sizeOf(g)))).filter(Number.isFinite);
  high = logs.reduce((a, b) => Math.max(a, b), -99);
  low = Math.max(logs.reduce((a, b) => Math.min(a, b), high - 1), high - 6);
}
heats(events.map((e) => e.gradient).filter((g) => g && !g.noise));
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
let narrow = false; // whether the layout on the page is the tall one
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

// One repetition of a repeated block: that at the current time, else the one that was shown last.
const shownOf = new Map();
function repetition(g) {
  for (let all; (all = groups[g].repeat); ) g = shownOf.get(g) ?? all.of[0];
  return g;
}

const isNarrow = () => window.innerWidth <= 760;
const layoutOf = (g) => layouts[isNarrow() ? groups[g].tall : groups[g].wide];

function open(g, keep) {
  view = g = repetition(g);
  narrow = isNarrow();
  const at = { ...groups[g], ...layoutOf(g) };
  if (groups[g].parent >= 0 && groups[groups[g].parent].repeat) shownOf.set(groups[g].parent, g);
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
    const classes = `box ${kind === "g" ? "group" : events[k].kind}${outside ? " outside" : ""}${h < 58 ? (h < 30 ? " side tiny" : " side") : ""}`;
    const g = draw("g", { class: classes, tabindex: "0", role: "button", transform: `translate(${x - w / 2},${y - h / 2})` });
    const title = kind === "g" ? groups[k].title : headingOf(k);
    const texts = (h < 58 ? [16, 31, 46] : [20, 36, 51]).map((dy, j) => draw("text", { x: w / 2, y: dy, class: ["title", "value", "grad"][j] }));
    const most = Math.floor((w - 8) / (h < 58 ? 7.8 : 7.4));
    // The end of a path says most.
    texts[0].textContent = title.length <= most ? title : h < 58 ? `${title.slice(0, 3)}…${title.slice(4 - most)}` : `${title.slice(0, most - 1)}…`;
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
    g.append(draw("title", {}, title));
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
  marks();
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
