// The view: the boxes and arrows of one open group, at the current time.

let ready = false, zoomed = false;
let finished = false; // all is shown at once, before anything was stepped
let narrow = false; // whether the layout on the page is the tall one
let view = 0, time = 0, zoom = 1, chosen = null, timer = null;
let boxes = [], edges = [], steps = [];

// One repetition of a repeated block: that at the current time, else the one that was shown last.
const shownOf = new Map();
function repetition(g) {
  for (let all; (all = groups[g].repeat); ) g = shownOf.get(g) ?? all.of[0];
  return g;
}

const isNarrow = () => window.innerWidth <= 760;
const layoutOf = (g) => layouts[isNarrow() ? groups[g].tall : groups[g].wide];

function open(g, keep, follows) {
  g = repetition(g);
  if (!follows && g !== view) pin(g);
  view = g;
  narrow = isNarrow();
  const at = { ...groups[g], ...layoutOf(g) };
  if (groups[g].parent >= 0 && groups[groups[g].parent].repeat) shownOf.set(groups[g].parent, g);
  const svg = byId("graph");
  svg.replaceChildren();
  svg.setAttribute("viewBox", `-4 -4 ${at.width + 8} ${at.height + 8}`);
  edges = at.edges.map((pair, i) => {
    const edge = arrow(at.paths[i]);
    svg.append(edge.line, edge.tip);
    return { ...edge, pair };
  });
  boxes = at.items.map(([kind, k], i) => {
    const [x, y, w, h] = at.boxes[i];
    const outside = i >= at.items.length - at.outside;
    const classes = `box ${kind === "g" ? "group" : events[k].kind}${outside ? " outside" : ""}${h < 58 ? (h < 30 ? " side tiny" : " side") : ""}`;
    const g = draw("g", { class: classes, tabindex: "0", role: "button", transform: `translate(${x - w / 2},${y - h / 2})` });
    const title = kind === "g" ? groups[k].title : headingOf(k);
    const texts = (h < 58 ? [16, 31, 46] : [20, 36, 51]).map((dy, j) => draw("text", { x: w / 2, y: dy, class: ["title", "value", "grad"][j] }));
    const fitted = (title) => {
      const name = title.startsWith(at.prefix) ? title.slice(at.prefix.length) : title; // within its module
      const most = Math.floor((w - 10) / (h < 58 ? 7.8 : 8));
      if (name.length <= most) return name;
      return h < 58 ? `${name.slice(0, 3)}…${name.slice(4 - most)}` : `${name.slice(0, most - 1)}…`; // the end of a path says most
    };
    texts[0].textContent = fitted(title);
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
    ["mouseenter", "focus"].forEach((on) => g.addEventListener(on, () => (kind === "e" ? choose : chooseGroup)(k)));
    g.append(draw("title", {}, title));
    svg.append(g);
    return { g, texts, kind, k, title, fitted, outside, was: {} };
  });
  crumbs();
  strip();
  zoomed = false;
  fit();
  if (!keep) byId("scroll").scrollTo(0, 0);
  show();
}

function scrollTo(g) {
  const area = byId("scroll"), a = area.getBoundingClientRect(), b = g.getBoundingClientRect();
  if (b.left < a.left + 8 || b.right > a.right - 8) area.scrollLeft += (b.left + b.right - a.left - a.right) / 2;
  if (b.top < a.top || b.bottom > a.bottom) area.scrollTop += (b.top + b.bottom - a.top - a.bottom) / 2;
}
