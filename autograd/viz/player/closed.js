// The panel of a step that passes a closed group: what goes in and comes out, and the gain.

const lengthOf = (k, rms) => (isNumber(k) ? Math.abs(rms) : rms * Math.sqrt(events[k].value.shape.reduce((a, b) => a * b, 1)));
const gain = (out, into) => (into > 0 && Number.isFinite(out) ? number(out / into, 3) : "");
const unit = (k) => (isNumber(k) ? "" : "rms ");
const exactGradient = (size, k) => make("data", { value: size }, signed(size, isNumber(k)));
// An event by the box that it has in the view: a group's, or its own.
function nameHere(k) {
  let at = of[k];
  while (at > 0 && seenIn(at) !== view) at = groups[at].parent;
  return at > 0 ? `${groups[at].title} · ${nameOf(k)}` : nameOf(k);
}

// The gradient of k as it stands after the contributions from a group.
const sumOf = (k, g) => arrivals[k].filter((a) => within(of[a.user], g)).pop().place.sum;

// Events outside of a group that it uses, each with its uses there.
function feeds(g) {
  const mine = new Set(members[g]), found = new Map();
  members[g].forEach((user) => (events[user].inputs || []).forEach((place) => {
    if (place.from === undefined || mine.has(place.from)) return;
    if (!found.has(place.from)) found.set(place.from, []);
    found.get(place.from).push({ from: place.from, user, place });
  }));
  return found;
}
// Results of a group that are used outside of it, the main one first.
function resultsOf(g) {
  const mine = new Set(members[g]), { out } = groups[g];
  const used = members[g].filter((k) => k !== out && events[k].kind === "op" && users[k].some((u) => !mine.has(u)));
  return [out, ...used];
}

function tellGroup({ g, back }, panel) {
  const { title, ops, out } = groups[g], where = placed(seenIn(g)), some = (list) => list.slice(0, 6);
  panel.append(make("h2", back ? { class: "warm" } : {}, `${back ? "Backward" : "Forward"}: ${title}`),
    make("p", { class: "faint" }, `${where ? `${where} · ` : ""}${ops} op${ops === 1 ? "" : "s"}, passed as one step`));
  const row = (name, ...words) => panel.append(make("p", {}, `${name}: `, make("span", { class: "sum" }, ...words)));
  const rest = (n) => { if (n > 6) panel.append(make("p", { class: "faint" }, `and ${n - 6} more`)); };
  const grouped = (k) => nameHere(k) !== nameOf(k);
  const inputs = [...feeds(g).entries()].sort(([a], [b]) => grouped(b) - grouped(a)), results = resultsOf(g);
  const norm = (k, d) => (d && typeof sizeOf(d) === "number" ? lengthOf(k, sizeOf(d)) : NaN);
  const heading = (words) => panel.append(make("h3", {}, words));
  if (!back) {
    heading("goes in");
    some(inputs).forEach(([k]) => row(nameHere(k), exactly(events[k].value)));
    rest(inputs.length);
    heading("comes out");
    some(results).forEach((k) => row(nameOf(k), make("b", {}, exactly(events[k].value))));
    rest(results.length);
    const tracked = inputs.filter(([k]) => events[k].kind === "op");
    const main = tracked.length === 1 ? tracked[0] : inputs.length === 1 ? inputs[0] : null;
    const ratio = main && gain(norm(out, events[out].value), norm(main[0], events[main[0]].value));
    if (ratio) panel.append(make("p", { class: "faint" }, `gain ‖out‖ / ‖in‖ = ${ratio}`));
    return;
  }
  heading("∂ comes in, from what uses it");
  some(results.filter((k) => events[k].gradient)).forEach((k) => row(nameOf(k), `∂ ${unit(k)}`, make("b", {}, exactGradient(sizeOf(events[k].gradient), k))));
  heading("∂ goes on, to what it uses");
  const passed = inputs.filter(([, found]) => found.some((use) => use.place.out !== undefined));
  some(passed).forEach(([k, found]) => {
    const given = found.filter((use) => use.place.out !== undefined), only = arrivals[k].every((a) => within(of[a.user], g));
    const size = only ? sizeOf(events[k].gradient) : isNumber(k) || given.length === 1 ? brought(given).size : null;
    const ratio = size !== null && typeof size === "number" && events[out].gradient ? gain(lengthOf(k, size), norm(out, events[out].gradient)) : "";
    row(nameHere(k), size === null ? `${given.length} contributions, so far ∂ ${unit(k)}` : `∂ ${unit(k)}`, exactGradient(size ?? sumOf(k, g), k), ratio ? make("span", { class: "faint" }, `  gain ‖∂ on‖ / ‖∂ in‖ = ${ratio}`) : "");
  });
  if (!passed.length) panel.append(make("p", { class: "faint" }, "to no Value outside of it"));
  rest(passed.length);
  const inner = members[g].filter((k) => events[k].kind === "leaf" && events[k].gradient);
  if (inner.length) heading("∂ of its own leaves");
  some(inner).forEach((k) => row(nameOf(k), `∂ ${unit(k)}`, events[k].gradient.noise ? "≈ 0" : exactGradient(sizeOf(events[k].gradient), k)));
  rest(inner.length);
}
