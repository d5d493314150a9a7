// Why a gradient is what it is: a sentence, the paths it came along, the chain rule.

const reasons = (() => {
  const { why } = data.reasons;
  let lit = null; // { k, path }: a path of event k that is lit on the graph
  const asRecorded = () => !alive.changed();
  const MANY = 24; // steps of a path that are all listed
  const amount = (path, i) => `${path.gains ? "gain " : "× "}${number(path.by[i], 3)}`;

  // ---- the panel -------------------------------------------------------------------------------------

  function tell(panel, state) {
    if (!["whole", "none", "constant"].includes(state)) return;
    const k = chosen, reason = why[k];
    if (!reason) {
      if (state === "whole" && !events[k].root) panel.append(make("p", { class: "faint" }, "Of so many nodes, not all have their reason here; ", make("code", {}, "autograd.why(result, x)"), " says that of any Value."));
      return;
    }
    const area = make("div", { class: "why" }, make("h3", {}, "why"), make("p", { class: "said" }, reason.said), ...(reason.notes || []).map((note) => make("p", {}, note)));
    if (!asRecorded()) area.append(make("p", { class: "faint" }, "This is said of the values as they were recorded."));
    const paths = reason.paths || [];
    if (paths.some((path) => path.on.length)) {
      const show = make("button", { type: "button", id: "showpath", "aria-pressed": String(isLit(k)), "aria-keyshortcuts": "w" }, isLit(k) ? "hide the path" : "show the path");
      show.addEventListener("click", () => { toggle(k); byId("showpath").focus(); });
      area.append(make("p", { class: "row" }, show, reason.lines ? deriver(k) : ""));
    } else if (reason.lines) area.append(make("p", { class: "row" }, deriver(k)));
    if (paths.length > 1) area.append(listOf(k, reason));
    else if (isLit(k)) area.append(chips(reason, paths[0]));
    panel.append(area);
  }
  function deriver(k) {
    const button = make("button", { type: "button", "aria-keyshortcuts": "d", "aria-haspopup": "dialog" }, "derive");
    button.addEventListener("click", () => derive(k, button));
    return button;
  }
  const percent = (share) => (typeof share === "number" ? `${Math.round(100 * share)} %`.replace("-", "−") : "—");
  // All paths, as explain lists them: what each gives, its share, and its ops.
  function listOf(k, reason) {
    const list = make("ol", { class: "paths", "aria-label": `paths from ${reason.start} to the result` });
    reason.paths.forEach((path, i) => {
      const on = isLit(k) && lit.path === i, bar = make("span", { class: `bar${path.share < 0 ? " away" : ""}`, "aria-hidden": "true" });
      bar.style.width = `${Math.min(Math.abs(path.share) || 0, 1) * 100}%`;
      const button = make("button", { type: "button", "aria-pressed": String(on) },
        make("b", {}, number(path.gives)), make("span", { class: "share" }, percent(path.share), bar), make("span", {}, [reason.start, ...listed(path)].join(" → ")));
      button.addEventListener("click", () => { toggle(k, i); byId("node").querySelectorAll(".paths button")[i].focus(); });
      list.append(make("li", {}, button, on ? chips(reason, path) : ""));
    });
    const box = make("div", {}, make("p", { class: "faint" }, `${reason.norm ? "Sizes of the contributions" : "Contributions"} of ${reason.paths.length + (reason.others || 0)} paths${reason.norm ? "" : ", which add up"}:`), list);
    if (reason.others) box.append(make("p", { class: "faint" }, `${reason.others} other paths: ${number(reason.rest)}`));
    return box;
  }
  const listed = ({ titles }) => (titles.length > MANY ? [...titles.slice(0, MANY / 2), `… ${titles.length - MANY} more …`, ...titles.slice(-MANY / 2)] : titles);
  // The ops of a lit path; each leads to its box.
  function chips(reason, path) {
    const row = make("p", { class: "chips" }, make("span", { class: "chip" }, reason.start));
    path.titles.forEach((title, i, all) => {
      if (all.length > MANY && i >= MANY / 2 && i < all.length - MANY / 2) { if (i === MANY / 2) row.append(` → … ${all.length - MANY} more …`); return; }
      const chip = make("button", { type: "button", class: `chip${stops(reason, path, i) ? " stops" : ""}` }, `${title} `, make("small", {}, amount(path, i)));
      const at = path.on[i][path.on[i].length - 1];
      chip.disabled = at === undefined;
      chip.addEventListener("click", () => goTo(at));
      row.append(" → ", chip);
    });
    return row;
  }
  const stops = (reason, path, i) => path.by[i] === 0 || typeof path.by[i] === "string" || path.on[i].some((k) => reason.marked.includes(k));

  // ---- the lit path ------------------------------------------------------------------------------------

  const isLit = (k) => lit !== null && lit.k === k;
  function toggle(k, path = why[k].shown) {
    lit = isLit(k) && lit.path === path ? null : { k, path };
    if (lit) {
      const all = eventsOf(lit), inView = new Set(members[view]);
      if (!all.every((e) => inView.has(e))) open(all.map((e) => chainOf(e)).reduce((a, b) => a.filter((g) => b.includes(g))).pop() ?? 0);
    }
    if (chosen !== k) choose(k);
    show();
  }
  function chainOf(k) { const chain = []; for (let g = of[k]; g >= 0; g = groups[g].parent) chain.unshift(g); return chain; }
  const eventsOf = ({ k, path }) => [k, ...why[k].paths[path].on.flat()];

  // What lies between two events of a path: within an opened kernel, all that leads from one to the other.
  function between(a, b) {
    if (a === b || (events[b].inputs || []).some((place) => place.from === a)) return [];
    const outer = chainOf(b).find((g) => !members[g].includes(a)), inner = outer === undefined ? null : new Set(members[outer]);
    const fits = (k) => inner === null || inner.has(k) || chainOf(a).pop() === of[k];
    const down = new Set([a]);
    for (let k = a + 1; k < b; k++) if (fits(k) && (events[k].inputs || []).some((p) => p.out !== undefined && down.has(p.from))) down.add(k);
    const up = new Set([b]);
    for (let k = b; k > a; k--) if (up.has(k)) for (const p of events[k].inputs || []) if (p.out !== undefined && down.has(p.from)) up.add(p.from);
    return [...up].filter((k) => k !== a && k !== b);
  }
  function boxOf(k) {
    let i = boxes.findIndex((b) => b.kind === "e" && b.k === k);
    for (let g = of[k]; i < 0 && g >= 0; g = groups[g].parent) i = boxes.findIndex((b) => b.kind === "g" && b.k === g);
    return i;
  }

  function light() {
    const svg = byId("graph");
    svg.querySelectorAll(".factor").forEach((f) => f.remove());
    svg.querySelectorAll(".box.onpath, .box.stops").forEach((g) => g.classList.remove("onpath", "stops"));
    svg.querySelectorAll(".edge.onpath, .tip.onpath").forEach((e) => e.classList.remove("onpath"));
    if (!lit) return;
    const reason = why[lit.k], path = reason.paths[lit.path], on = new Set(), pairs = new Map();
    let last = lit.k, at = boxOf(last);
    on.add(at);
    path.on.forEach((own, i) => {
      own.forEach((k, j) => {
        const within = between(last, k).map(boxOf).filter((b) => b >= 0), here = boxOf(k), reached = [at, ...within, here];
        reached.filter((b) => b >= 0).forEach((b) => on.add(b));
        edges.forEach(({ pair }, e) => {
          if (!reached.includes(pair[0]) || !reached.includes(pair[1]) || pair[0] === pair[1]) return;
          if (!within.length && !(pair[0] === at && pair[1] === here)) return;
          if (!pairs.has(e)) pairs.set(e, 1);
        });
        if (j === own.length - 1) {
          const into = [...pairs.keys()].filter((e) => edges[e].pair[1] === here);
          if (typeof path.by[i] === "number") into.forEach((e) => pairs.set(e, pairs.get(e) * path.by[i]));
          else into.forEach((e) => pairs.set(e, path.by[i]));
        }
        if (here >= 0 && stops(reason, path, i)) boxes[here].g.classList.add("stops");
        last = k;
        at = here;
      });
    });
    on.forEach((b) => { if (b >= 0) { boxes[b].g.classList.add("onpath"); say(boxes[b]); } });
    const named = new Set();
    pairs.forEach((by, e) => {
      const { line, pair } = edges[e];
      line.classList.add("onpath");
      if (line.nextElementSibling && line.nextElementSibling.matches(".tip")) line.nextElementSibling.classList.add("onpath");
      if (named.has(pair[1])) return;
      named.add(pair[1]);
      const long = line.getTotalLength(), a = line.getPointAtLength(0), b = line.getPointAtLength(long), { x, y } = line.getPointAtLength(long / 2);
      const upright = Math.abs(b.y - a.y) > Math.abs(b.x - a.x);
      svg.append(draw("text", { class: "factor", x: upright ? x + 7 : x, y: upright ? y + 4 : y - 7, "text-anchor": upright ? "start" : "middle", style: `font-size:${12.5 / zoom}px` }, `×${number(by, 3)}`));
    });
  }
  function say({ g, was }) { delete was.label; if (!g.getAttribute("aria-label").endsWith("on the path")) g.setAttribute("aria-label", `${g.getAttribute("aria-label")}, on the path`); }

  // ---- the chain rule -------------------------------------------------------------------------------------

  const dialog = make("dialog", { id: "derivation", "aria-labelledby": "derived" });
  document.body.append(dialog);
  dialog.addEventListener("keydown", (e) => e.stopPropagation());
  dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });

  function derive(k, opener) {
    const { lines, said } = why[k];
    if (!lines) return;
    const table = make("table", { role: "presentation" });
    lines.forEach(([left, right, remark]) => {
      const side = (i) => (i < 0 ? "" : formula(i) || "");
      table.append(make("tr", {}, make("td", {}, side(left)), make("td", {}, "="), make("td", {}, side(right)), make("td", { class: "faint" }, remark)));
    });
    const close = make("button", { type: "button", autofocus: "" }, "close");
    close.addEventListener("click", () => dialog.close());
    dialog.replaceChildren(make("h2", { id: "derived" }, `The gradient of ${why[k].start || nameOf(k)}, derived`), make("p", {}, said),
      make("div", { class: "lines", tabindex: "0", role: "region", "aria-label": "the chain rule, line by line" }, table),
      asRecorded() ? "" : make("p", { class: "faint" }, "These are the values as they were recorded."), make("p", { class: "row" }, close));
    dialog.onclose = () => { if (opener && opener.isConnected) opener.focus(); };
    dialog.showModal();
  }

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || dialog.open || e.target.matches("input:not(#slider), select, textarea")) return;
    const reason = chosen !== null && why[chosen];
    if (!reason || byId("node").querySelector(".why") === null) return;
    if (e.key === "w" && byId("showpath")) toggle(chosen);
    else if (e.key === "d" && reason.lines) derive(chosen, document.activeElement);
  });

  return { tell, light };
})();
