// What boxes say at the current time. Only what has changed is written to the page.

function put(box, key, x, write) {
  if (box.was[key] === x) return;
  box.was[key] = x;
  write(x);
}
const mark = (box, name, on) => put(box, name, Boolean(on), () => box.g.classList.toggle(name, on));
const write = (box, i, text, kind) => {
  put(box, i, text, () => { box.texts[i].textContent = text; });
  put(box, `class ${i}`, kind, () => box.texts[i].setAttribute("class", kind));
};

// Text, size and state of the gradient of event k.
function gradientOf(k, now) {
  const event = events[k], found = gradientAt(k, now);
  const noise = found.state === "whole" && event.gradient.noise, single = isNumber(k);
  const size = found.state === "part" ? found.size : found.state === "whole" && !noise ? sizeOf(event.gradient) : 0;
  const text = { wait: "∂ not yet", none: "∂ no path", constant: "", whole: noise ? "∂ ≈ 0" : `∂ ${signed(size, single)}`,
    part: `∂ ${signed(size, single)} (${found.arrived}/${found.of})` }[found.state];
  return { text, size, single, whole: found.state === "whole", filled: found.state === "whole" || found.state === "part" };
}

// The repetition that a box stands for at this time: the last one that was reached.
function repeated(g, now) {
  const { of: all } = groups[g].repeat;
  if (now < count) { const reached = all.filter((q) => extent[q].last <= now); return reached[reached.length - 1] ?? all[0]; }
  const back = all.filter((q) => backAt(extent[q].first) <= now);
  return finished || !back.length ? all[all.length - 1] : back.reduce((a, b) => (extent[a].first < extent[b].first ? a : b));
}

function show() {
  const done = position(), now = moment(), step = current();
  const backwards = now >= count - 1 && now >= 0;
  boxes.forEach((box) => {
    const { kind, k } = box;
    const passing = step && kind === "g" && groups[k].repeat && step.g !== k && (within(step.view, k) || step.box === k);
    const shown = passing ? repeated(k, now) : k;
    const result = kind === "g" ? groups[shown].out : k; // the event whose value and gradient the box shows
    const event = events[result], last = kind === "g" ? extent[shown].last : k, reached = last <= now;
    const plain = event.kind === "constant" && !event.title && event.value && event.value.number !== undefined;
    const inside = kind === "g" && !reached && extent[k].last >= 0 ? members[shown].filter((e) => e <= now && events[e].kind === "op").length : 0;
    write(box, 1, plain ? "constant" : reached ? brief(event.value) : inside ? `${inside} of ${groups[shown].ops} ops` : "not yet", reached || plain ? "value" : "wait");
    const gradient = gradientOf(result, now);
    write(box, 2, reached && (backwards || gradient.whole) ? gradient.text : "", gradient.filled ? "grad" : "wait");
    if (kind === "g" && groups[k].repeat) write(box, 0, box.fitted(passing ? groups[shown].title : box.title), "title");
    const heated = reached && gradient.filled;
    put(box, "fill", heated ? heat(gradient.size, gradient.single) : "", (fill) => { box.g.querySelector("rect").style.fill = fill; });
    mark(box, "unreached", !reached);
    mark(box, "heated", heated);
    mark(box, "odd", heated && typeof gradient.size === "string");
    box.active = Boolean(step) && (kind === "e" ? step.k === k : step.box === k || within(step.view, k));
    mark(box, "active", box.active);
    mark(box, "chosen", k === (kind === "e" ? chosen : chosenGroup));
    const said = kind === "g" ? `group of ${groups[k].ops} ops; Enter opens it` : event.kind;
    put(box, "label", [...box.texts.map((t) => t.textContent).filter(Boolean), said].join(" "), (label) => box.g.setAttribute("aria-label", label));
  });
  const running = flow(step, now);
  marks();
  const at = step && (step.g === undefined ? step.view : step.g);
  byId("strip").querySelectorAll(".bars span").forEach((bar) => bar.classList.toggle("current", Boolean(step) && bar.own.some((q) => within(at, q))));
  byId("slider").value = finished ? steps.length : done;
  byId("slider").setAttribute("aria-valuetext", `step ${done} of ${steps.length}${step ? `: ${step.back ? "backward" : "forward"}, ${nameOfStep(step)}` : ""}`);
  byId("count").textContent = `${done} / ${steps.length}`;
  byId("now").dataset.event = step && step.g === undefined ? step.k : "";
  tell(step);
  inspect();
  astray();
  reasons.light();
  teaching.veil();
  if (ready) note();
  const active = boxes.find((box) => box.active);
  if (active && step.view === view) reveal(active, running);
}

// Scrolls as little as shows a box and those at the other ends of the arrows of the step, if they fit.
function reveal(box, running) {
  const near = running.flatMap(({ pair }) => pair.map((i) => boxes[i].g)), area = byId("scroll"), a = area.getBoundingClientRect();
  const around = (all) => all.map((g) => g.getBoundingClientRect()).reduce((r, b) => ({ left: Math.min(r.left, b.left), right: Math.max(r.right, b.right), top: Math.min(r.top, b.top), bottom: Math.max(r.bottom, b.bottom) }));
  const own = around([box.g]), all = near.length ? around([box.g, ...near]) : own, margin = 8;
  const move = (low, high, from, to) => (high - low > to - from - 2 * margin ? null : low < from + margin ? low - from - margin : high > to - margin ? high - to + margin : 0);
  const x = move(all.left, all.right, a.left, a.right) ?? move(own.left, own.right, a.left, a.right);
  const y = move(all.top, all.bottom, a.top, a.bottom) ?? move(own.top, own.bottom, a.top, a.bottom);
  if (x || y) area.scrollBy(x || 0, y || 0);
}

// Where play is, if another view is shown.
function astray() {
  const step = current(), away = Boolean(step) && step.view !== view, button = byId("return");
  button.hidden = !away;
  if (away) button.textContent = `↩ back to step ${position()}: ${placed(step.view) || "the whole graph"}`;
}
function comeBack() {
  pinned = 0;
  lay();
  const step = current();
  open(step ? step.view : 0, false, true);
}
