// The page recomputes its graph, forward and backward, by the programs that the ops' rows wrote
// (`liveRows`): change a leaf, and all that hangs on it follows.
//
//   live.alive, live.why        whether it can, and why not
//   live.fixed                  {k: what of event k stays as it was recorded}
//   live.set(k, numbers, shape) another value for leaf or constant k; its own shape by default. Another one is
//                               for graphs that keep no number of samples, which scripts can't tell
//   live.run(), live.reset()    recompute all; back to what was recorded
//   live.value(k), live.gradient(k), live.contribution(u, i)    {shape, data}; undefined where none
//   live.refresh(events)        put what was recomputed where `show` and the panels read it
//   live.evaluate({k: {shape, data}}, event or events)    values for leaves of another batch size
//   live.digest({shape, data})  as the events hold it

const live = (() => {
  const given = (typeof liveRows !== "undefined" && data.live) || { why: "it was written without programs" };
  const dead = (why) => ({ alive: false, why });
  if (given.why) return dead(given.why);

  // ---- the data: leaves and constants, and programs
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const kinds = { B: Uint8Array, f: Float32Array, d: Float64Array }, packed = bytes(given.bytes);
  const unpacked = (shape, kind, start) => ({ shape, data: Float64Array.from(new kinds[kind](packed, start, np.count(shape))) });
  const K = given.constants.map(([shape, kind, start]) => unpacked(shape, kind, start));
  const rows = liveRows(np, K), row = given.of.map((i) => rows[i]);
  const from = events.map((e) => (e.inputs || []).map((place) => place.from ?? -1));
  const root = count > 1 ? events.findIndex((e) => e.root) : 0;
  const plain = (x) => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x));
  const shaped = (a) => (a === undefined || Array.isArray(a) ? undefined : { shape: np.shapeOf(a), data: Float64Array.from(np.dataOf(a)) });

  // Of each event the value, the gradient, and what its op passes to each input. An event with several
  // results has a list of them.
  let values = Array(count), gradients = Array(count), passed = Array(count);
  given.arrays.forEach(([k, kind, start]) => { values[k] = unpacked(events[k].value.shape, kind, start); });
  events.forEach((e, k) => { if (!row[k] && values[k] === undefined) values[k] = plain(e.value.number); });
  const recorded = values.slice();

  // ---- forward and backward
  function called(f, k, values, ...first) {
    const at = from[k];
    if (at.length === 1) return f(...first, values[at[0]]);
    if (at.length === 2) return f(...first, values[at[0]], values[at[1]]);
    return f(...first, ...at.map((j) => (j < 0 ? null : values[j])));
  }
  const computed = (k, values) => called(row[k].forward, k, values);
  const add = (a, b) => (a === undefined ? b : np.add(a, b));

  function contributions(u, g) {
    if (row[u].select !== undefined) return [g];
    if (Array.isArray(values[u])) g = values[u].map((y, i) => g[i] ?? np.zeros_like(y));
    return called(row[u].backward, u, values, g, values[u]);
  }
  // The same summed over the axes along which an input was broadcast.
  const fitted = (u, found) => found.map((gx, i) => (gx === null || row[u].select !== undefined ? gx : np.sum_to(gx, np.shapeOf(values[from[u][i]]))));

  function backward(hidden) {
    gradients = Array(count);
    passed = Array(count);
    if (root < 0 || !events[root].tracked) return;
    gradients[root] = np.ones_like(values[root]);
    for (let u = count - 1; u >= 0; u--) {
      const g = gradients[u];
      if (!row[u] || g === undefined || !(row[u].backward || row[u].select !== undefined)) continue;
      const found = contributions(u, g), { select } = row[u];
      passed[u] = fitted(u, hidden ? branches(u, g, found, hidden) : found);
      if (shake) passed[u] = passed[u].map((gx) => gx && shake(gx));
      passed[u].forEach((gx, i) => {
        const k = from[u][i];
        if (gx === null) return;
        if (select === undefined) gradients[k] = add(gradients[k], gx);
        else (gradients[k] ??= [])[select] = add(gradients[k][select], gx);
      });
    }
  }
  let shake = null; // rounds results otherwise, on purpose
  const finite = (a) => (typeof a === "number" ? Number.isFinite(a) : Array.isArray(a) ? a.every(finite) : a === undefined || a.data.every(Number.isFinite));
  function run() {
    for (let k = 0; k < count; k++) if (row[k]) {
      const y = computed(k, values);
      values[k] = !shake ? y : Array.isArray(y) ? y.map(shake) : shake(y);
    }
    backward(null);
    if (!gradients.every(finite)) backward(Array(count));
  }

  // 0 · inf = 0 on the branches that no op took, as the engine has it (`contribution.branches`):
  // hidden[k] tells where the gradient of event k is 0 because no selected element leads there.
  function branches(u, g, found, hidden) {
    const own = hidden[u], { elementwise, masks, routes, select } = row[u], y = values[u], here = new Set();
    if (select !== undefined) {
      const parts = (hidden[from[u][0]] ||= []), earlier = (gradients[from[u][0]] || [])[select] !== undefined;
      const mine = own ?? np.zeros_like(y);
      if (!earlier) parts[select] = mine;
      else if (parts[select] !== undefined) parts[select] = np.logical_and(parts[select], mine);
      return found;
    }
    const several = Array.isArray(y), none = own !== undefined && !several && np.all(own);
    const chosen = (y, h) => (h === undefined ? np.ones_like(y) : np.logical_not(h));
    const taken = () => (several ? y.map((part, j) => (g[j] === undefined ? undefined : chosen(part, (own || [])[j]))) : chosen(y, own));
    const reached = (f, shape) => np.equal(np.sum_to(f, shape), 0);
    return found.map((gx, i) => {
      if (gx === null) return gx;
      const k = from[u][i], shape = np.shapeOf(values[k]), earlier = gradients[k] !== undefined || here.has(k);
      here.add(k);
      let mask;
      if (none) [gx, mask] = [np.zeros_like(values[k]), np.ones_like(values[k])];
      else if (masks || (own !== undefined && routes)) mask = reached(contributions(u, taken())[i], shape);
      else if (own !== undefined && elementwise) mask = reached(np.logical_not(own), shape);
      if (own !== undefined && elementwise && !none && String(np.shapeOf(gx)) === String(np.shapeOf(own))) gx = np.where(own, 0, gx);
      if (earlier) mask = mask === undefined || hidden[k] === undefined ? undefined : np.logical_and(mask, hidden[k]);
      hidden[k] = mask !== undefined && np.any(mask) ? mask : undefined;
      return gx;
    });
  }

  function evaluate(given, wanted) {
    const at = values.slice(), changed = new Set(), needed = new Set(wanted), last = Math.max(...wanted);
    Object.entries(given).forEach(([k, a]) => { at[k] = np.array(a.shape, Float64Array.from(a.data)); changed.add(Number(k)); });
    for (let k = last; k >= 0; k--) if (needed.has(k) && !changed.has(k)) from[k].forEach((j) => needed.add(j));
    for (let k = 0; k <= last; k++) {
      if (!row[k] || !needed.has(k) || changed.has(k) || !from[k].some((j) => changed.has(j))) continue;
      at[k] = computed(k, at);
      changed.add(k);
    }
    return wanted.map((k) => shaped(at[k]));
  }

  // ---- what the page shows
  const lines = new Map(); // of events: the formula with numbers in place of names
  function written(u) {
    const line = lines.get(u) ?? formulas.length;
    lines.set(u, line);
    formulas[line] = given.templates[given.numbers[u]].replace(/<mtext>(\(?)@(\d+)\)?<\/mtext>/g, (_, bracket, i) => {
      const x = plain(sizeOfArray(values[from[u][i]])), text = `<mn>${number(x)}</mn>`;
      return bracket && x < 0 ? `<mrow><mo>(</mo>${text}<mo>)</mo></mrow>` : text;
    });
    return line;
  }
  // Whether a gradient, recorded as what rounding left of terms that cancel, still is no more.
  const isNoise = (k) => Math.abs(sizeOfArray(gradients[k])) <= 1e-12 * Math.max(...users[k].map((u) => Math.abs(sizeOfArray(gradients[u]))));
  function refresh(events) {
    const sums = Array(count);
    for (let u = count - 1; u >= 0; u--) {
      const e = events[u], y = shaped(values[u]), g = shaped(gradients[u]);
      if (e.value && y) e.value = digestOf(y, e.value.dtype);
      if (e.gradient && g) e.gradient = { ...digestOf(g, e.gradient.dtype), ...(e.gradient.noise && isNoise(u) && { noise: true }) };
      if (given.numbers[u] !== undefined) e.numbers = written(u);
      (passed[u] || []).forEach((gx, i) => {
        const place = e.inputs[i], k = from[u][i];
        if (gx === null || place.out === undefined) return;
        if (row[u].select !== undefined) { place.out = sizeOfArray(gx); return; }
        sums[k] = add(sums[k], gx);
        [place.out, place.sum] = [gx, sums[k]].map(sizeOfArray);
        if (!Array.isArray(g)) place.in = sizeOfArray(g);
        if (place.local !== undefined) {
          const [x, y] = [gx, g].map((a) => np.dataOf(a)[0]);
          place.local = rounded(y ? x / y : np.dataOf(fitted(u, contributions(u, np.ones_like(values[u])))[i])[0]);
        }
      });
    }
  }

  // ---- does it give the page's own numbers?
  const pairs = (f) => events.map((_, k) => [values[k], gradients[k]].map((a) => (a === undefined || Array.isArray(a) ? undefined : f(a))));
  function projection(a) { // as packed.py has it, and the size of its terms
    let total = 0, size = 0;
    np.dataOf(a).forEach((x, i) => { const y = x * (0.5 + ((i * 31337) % 65521) / 65521); total += y; size += Math.abs(y); });
    return [total, size];
  }
  // How far each projection moves if all results are rounded a little otherwise. Where terms cancel,
  // what is left of them may differ from the page's by as much.
  function looseness(exact) {
    const kept = [values, gradients, passed], loose = exact.map(() => [0, 0]), eps = 16 * given.eps;
    let seed = 1;
    const coin = () => (seed = (seed * 16807) % 2147483647) % 32 < 16;
    shake = np.map((x) => x * (coin() ? 1 + eps : 1 - eps));
    for (let time = 0; time < 3; time++) {
      values = kept[0].slice();
      run();
      pairs(projection).forEach((pair, k) => pair.forEach((p, i) => { if (p) loose[k][i] = Math.max(loose[k][i], Math.abs(p[0] - exact[k][i][0]) || 0); }));
    }
    shake = null;
    [values, gradients, passed] = kept;
    return loose;
  }
  function verify() {
    const checks = new Float64Array(bytes(given.checks)), exact = pairs(projection);
    let next = 0, loose = null;
    const wrong = (k, i, digest) => {
      const wanted = digest.number === undefined ? checks[next++] : plain(digest.number) / 2, [found, size] = exact[k][i] || [];
      if (!Number.isFinite(wanted) || !Number.isFinite(found)) return !Object.is(found, wanted);
      const error = Math.abs(found - wanted);
      return error > given.within * size && error > given.within * size + 4 * (loose ??= looseness(exact))[k][i];
    };
    for (let k = 0; k < count; k++) {
      const { value, gradient } = events[k];
      if (value && wrong(k, 0, value)) return `${headingOf(k)} is recomputed to another value than the page's`;
      if (gradient && wrong(k, 1, gradient)) return `the gradient of ${headingOf(k)} is recomputed to another than the page's`;
    }
    return "";
  }
  try {
    run();
    const why = verify();
    if (why) return dead(why);
  } catch (error) {
    return dead(`a program failed: ${error.message}`);
  }
  return {
    alive: true,
    why: "",
    fixed: given.fixed,
    set(k, numbers, shape = events[k].value.shape) {
      const a = Float64Array.from(typeof numbers === "number" ? [numbers] : numbers);
      if (row[k] || a.length !== np.count(shape)) throw new RangeError(`event ${k} takes ${np.count(shape)} numbers, if it is a leaf`);
      values[k] = np.array(shape, a);
    },
    run,
    reset() { values = recorded.slice(); run(); },
    value: (k) => shaped(values[k]),
    gradient: (k) => shaped(gradients[k]),
    contribution: (u, i) => shaped((passed[u] || [])[i] ?? undefined),
    refresh,
    evaluate: (given, event) => (Array.isArray(event) ? evaluate(given, event) : evaluate(given, [event])[0]),
    digest: (a, dtype = "float64") => digestOf(a, dtype),
  };
})();
document.documentElement.dataset.live = live.alive ? "alive" : live.why;
