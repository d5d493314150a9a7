// The page recomputes its graph, forward and backward, by the programs that the ops' rows wrote
// (`liveRows`): drag a value, and all that hangs on it follows.

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
  const root = events.findIndex((e) => e.root);
  const plain = (x) => (x === "inf" ? Infinity : x === "-inf" ? -Infinity : Number(x));

  let values = Array(count), gradients = Array(count), passed = Array(count);
  given.arrays.forEach(([k, kind, start]) => { values[k] = unpacked(events[k].value.shape, kind, start); });
  events.forEach((e, k) => { if (!row[k] && values[k] === undefined) values[k] = plain(e.value.number); });
  const recorded = values.slice();

  const shaped = (a) => (a === undefined || Array.isArray(a) ? undefined : { shape: np.shapeOf(a), data: Float64Array.from(np.dataOf(a)) });

  // ---- forward and backward
  function called(f, k, values, ...first) {
    const at = from[k];
    if (at.length === 1) return f(...first, values[at[0]]);
    if (at.length === 2) return f(...first, values[at[0]], values[at[1]]);
    return f(...first, ...at.map((j) => (j < 0 ? null : values[j])));
  }
  const result = (k, values) => called(row[k].forward, k, values);
  const add = (a, b) => (a === undefined ? b : np.add(a, b));

  // What op u passes to each of its inputs, summed over the axes along which it was broadcast.
  function contributions(u, g) {
    if (row[u].select !== undefined) return [g];
    if (Array.isArray(values[u])) g = values[u].map((y, i) => g[i] ?? np.zeros_like(y));
    return called(row[u].backward, u, values, g, values[u]);
  }
  function fitted(u, found) {
    return found.map((gx, i) => (gx === null || row[u].select !== undefined ? gx : np.sum_to(gx, np.shapeOf(values[from[u][i]]))));
  }
  function backward(rounded, hide) {
    gradients = Array(count);
    passed = Array(count);
    if (root < 0 || !events[root].tracked) return;
    gradients[root] = np.ones_like(values[root]);
    const hidden = hide && Array(count);
    for (let u = count - 1; u >= 0; u--) {
      const g = gradients[u];
      if (!row[u] || g === undefined || !(row[u].backward || row[u].select !== undefined)) continue;
      let found = contributions(u, g);
      if (hide) found = branches(u, g, found, hidden);
      passed[u] = fitted(u, found);
      if (rounded) passed[u] = passed[u].map((gx) => (gx === null ? null : rounded(gx)));
      passed[u].forEach((gx, i) => {
        const k = from[u][i];
        if (gx === null) return;
        if (row[u].select === undefined) gradients[k] = add(gradients[k], gx);
        else (gradients[k] ??= [])[row[u].select] = add(gradients[k][row[u].select], gx);
      });
    }
  }

  // 0 · inf = 0 on the branches that no op took, as the engine has it (`contribution.branches`):
  // hidden[k] tells where the gradient of event k is 0 because no selected element leads there.
  function branches(u, g, found, hidden) {
    const own = hidden[u], { elementwise, masks, routes, select } = row[u];
    const whole = own && !Array.isArray(own) && np.all(own) === 1, here = new Set();
    return found.map((gx, i) => {
      const k = from[u][i];
      if (gx === null) return gx;
      if (select !== undefined) {
        const earlier = gradients[k] && gradients[k][select] !== undefined, parts = (hidden[k] ||= []);
        const mine = own ?? np.zeros_like(values[u]);
        if (!earlier) parts[select] = mine;
        else if (parts[select] !== undefined) parts[select] = np.logical_and(parts[select], mine);
        return gx;
      }
      const shape = np.shapeOf(values[k]);
      let mask;
      if (whole) { gx = np.zeros_like(values[k]); mask = np.ones_like(values[k]); }
      else {
        if (own !== undefined && elementwise && !Array.isArray(own)) gx = np.where(np.logical_and(own, np.equal(np.shapeOf(gx).length, np.shapeOf(own).length)), 0, gx);
        if (masks || (own !== undefined && routes)) {
          const ones = (y, h) => (h === undefined ? np.ones_like(y) : np.logical_not(h));
          const taken = Array.isArray(values[u]) ? values[u].map((y, j) => (g[j] === undefined ? undefined : ones(y, (own || [])[j]))) : ones(values[u], own);
          mask = np.equal(np.sum_to(contributions(u, taken)[i], shape), 0);
        } else if (elementwise && own !== undefined) mask = np.logical_not(np.sum_to(np.logical_not(np.broadcast_to(own, np.shapeOf(values[u]))), shape));
      }
      const earlier = gradients[k] !== undefined || here.has(k);
      here.add(k);
      if (earlier) mask = mask === undefined || hidden[k] === undefined ? undefined : np.logical_and(mask, hidden[k]);
      hidden[k] = mask !== undefined && np.any(mask) ? mask : undefined;
      return gx;
    });
  }
  // The formula of a scalar op with its numbers in place of names.
  const lines = new Map();
  function written(u) {
    const line = lines.get(u) ?? formulas.length;
    lines.set(u, line);
    formulas[line] = given.templates[given.numbers[u]].replace(/<mtext>(\(?)@(\d+)\)?<\/mtext>/g, (_, bracket, i) => {
      const x = plain(sizeOfArray(values[from[u][i]])), text = `<mn>${number(x)}</mn>`;
      return bracket && x < 0 ? `<mrow><mo>(</mo>${text}<mo>)</mo></mrow>` : text;
    });
    return line;
  }
  // The events as `show` reads them: digests, and what each op passes to each of its inputs.
  function refresh(events) {
    const sums = Array(count);
    for (let u = count - 1; u >= 0; u--) {
      const e = events[u], g = gradients[u];
      if (e.value && !Array.isArray(values[u])) e.value = digestOf(shaped(values[u]), e.value.dtype);
      if (e.gradient && g !== undefined && !Array.isArray(g)) e.gradient = { ...digestOf(shaped(g), e.gradient.dtype), ...(e.gradient.noise && { noise: true }) };
      if (given.numbers[u] !== undefined) e.numbers = written(u);
      (passed[u] || []).forEach((gx, i) => {
        const place = e.inputs[i], k = from[u][i];
        if (gx === null || place.out === undefined) return;
        sums[k] = add(sums[k], gx);
        [place.in, place.out, place.sum] = [g, gx, sums[k]].map(sizeOfArray);
        if (place.local !== undefined) {
          const [x, y] = [gx, g].map((a) => np.dataOf(a)[0]);
          place.local = rounded(y ? x / y : np.dataOf(fitted(u, contributions(u, np.ones_like(values[u])))[i])[0]);
        }
      });
    }
  }
  const finite = (a) => (typeof a === "number" ? Number.isFinite(a) : a === undefined || (Array.isArray(a) ? a : a.data).every(Array.isArray(a) ? finite : Number.isFinite));
  function run(rounded) { // results may be rounded on purpose
    const each = (a) => (Array.isArray(a) ? a.map(rounded) : rounded(a));
    for (let k = 0; k < count; k++) if (row[k]) values[k] = rounded ? each(result(k, values)) : result(k, values);
    backward(rounded, false);
    if (!gradients.every(finite)) backward(rounded, true);
  }

  // The values of events where leaves or constants have others, {k: array}, which may be batches of
  // another size; what does not hang on them stays. It throws where a program needs the old size.
  function evaluate(given, wanted) {
    const at = values.slice(), changed = new Set(), needed = new Set(wanted), last = Math.max(...wanted);
    Object.entries(given).forEach(([k, a]) => { at[k] = np.array(a.shape, Float64Array.from(a.data)); changed.add(Number(k)); });
    for (let k = last; k >= 0; k--) if (needed.has(k) && !changed.has(k)) from[k].forEach((j) => needed.add(j));
    for (let k = 0; k <= last; k++)
      if (needed.has(k) && row[k] && !changed.has(k) && from[k].some((j) => changed.has(j))) { at[k] = result(k, at); changed.add(k); }
    return wanted.map((k) => shaped(at[k]));
  }

  // ---- does it give the page's own numbers?

  const all = (f) => events.map((_, k) => [values[k], gradients[k]].map((a) => (a === undefined || Array.isArray(a) ? undefined : f(a))));
  function projection(a) { // as packed.py has it, and the same of sizes
    let total = 0, size = 0;
    np.dataOf(a).forEach((x, i) => { const y = x * (0.5 + ((i * 31337) % 65521) / 65521); total += y; size += Math.abs(y); });
    return [total, size];
  }
  // How far each number moves if every result is rounded a little otherwise: where terms cancel, what is
  // left of them may differ from the page's by as much.
  function looseness(exact) {
    const before = [values, gradients, passed], eps = 16 * (given.within === 1e-9 ? 2.2e-16 : 6e-8);
    const loose = exact.map(() => [0, 0]);
    for (let time = 0; time < 3; time++) {
      values = before[0].slice();
      run((a) => np.map((x) => x * (1 + (Math.random() < 0.5 ? eps : -eps)))(a));
      all(projection).forEach((pair, k) => pair.forEach((p, i) => { if (p) loose[k][i] = Math.max(loose[k][i], Math.abs(p[0] - exact[k][i][0]) || 0); }));
    }
    [values, gradients, passed] = before;
    return loose;
  }
  function verify() {
    const checks = new Float64Array(bytes(given.checks)), exact = all(projection), loose = looseness(exact);
    let next = 0;
    const wrong = (k, i, digest) => {
      const wanted = digest.number === undefined ? checks[next++] : plain(digest.number) / 2, [found, size] = exact[k][i] || [];
      if (!Number.isFinite(wanted) || !Number.isFinite(found)) return !Object.is(found, wanted);
      return Math.abs(found - wanted) > given.within * size + 4 * loose[k][i];
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
  } catch (error) {
    return dead(`a program failed (${error.message})`);
  }
  const why = verify();
  if (why) return dead(why);
  return {
    alive: true,
    why: "",
    fixed: given.fixed,
    value: (k) => shaped(values[k]),
    gradient: (k) => shaped(gradients[k]),
    contribution: (u, i) => shaped((passed[u] || [])[i] ?? undefined),
    set(k, numbers, shape = events[k].value.shape) { values[k] = np.array(shape, Float64Array.from([].concat(numbers.length === undefined ? numbers : [...numbers]))); },
    reset() { values = recorded.slice(); run(); },
    run: () => run(),
    refresh,
    digest: (a, dtype = "float64") => digestOf(a, dtype),
    evaluate: (given, event) => (Array.isArray(event) ? evaluate(given, event) : evaluate(given, [event])[0]),
  };
})();
document.documentElement.dataset.live = live.alive ? "alive" : live.why;
