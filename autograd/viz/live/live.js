// The page recomputes its graph, forward and backward, by the programs that the ops' rows wrote
// (`liveRows`): drag a value, and all that hangs on it follows.

const live = (() => {
  const given = data.live || { why: "it was written without programs" };
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
  function backward(hide) {
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
  // The events as `show` reads them: digests, and what each op passes to each of its inputs.
  function refresh(events) {
    const sums = Array(count);
    for (let u = count - 1; u >= 0; u--) {
      const e = events[u], g = gradients[u];
      if (e.value && !Array.isArray(values[u])) e.value = digestOf(shaped(values[u]), e.value.dtype);
      if (e.gradient && g !== undefined && !Array.isArray(g)) e.gradient = { ...digestOf(shaped(g), e.gradient.dtype), ...(e.gradient.noise && { noise: true }) };
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
  function run() {
    for (let k = 0; k < count; k++) if (row[k]) values[k] = result(k, values);
    backward(false);
    if (!gradients.every(finite)) backward(true);
  }

  // The values of an event where leaves or constants have others, which may be batches of another
  // size; what does not hang on them stays as it is. A program that needs its sizes throws.
  function evaluate(given, event) {
    const other = new Map(Object.entries(given).map(([k, a]) => [Number(k), a]));
    const at = new Proxy(values, { get: (_, k) => (other.has(Number(k)) ? other.get(Number(k)) : values[k]) });
    const needed = new Set([event]);
    for (let k = event; k >= 0; k--) if (needed.has(k) && row[k] && !other.has(k)) from[k].forEach((j) => needed.add(j));
    for (let k = 0; k <= event; k++)
      if (needed.has(k) && row[k] && !other.has(k) && from[k].some((j) => other.has(j))) other.set(k, result(k, at));
    return at[event];
  }

  // ---- does it give the page's own numbers?
  function projection(a) {
    let total = 0, scale = 0;
    np.dataOf(a).forEach((x, i) => { const y = x * (0.5 + ((i * 31337) % 65521) / 65521); total += y; scale += Math.abs(y); });
    return [total, scale];
  }
  // Where terms cancel, what rounding leaves of them may differ: `noise` times the size of the terms.
  function verify() {
    const checks = new Float64Array(bytes(given.checks)), noise = given.within === 1e-9 ? 1e-13 : 1e-5;
    const scale = (a) => (a === undefined || Array.isArray(a) ? 0 : projection(a)[1]);
    const largest = (a) => (a === undefined || Array.isArray(a) ? 1 : np.dataOf(a).reduce((m, x) => Math.max(m, Math.abs(x)), 1));
    const terms = (k) => from[k].reduce((sum, j) => sum + (j < 0 ? 0 : scale(values[j])), 0);
    const termsOfGradient = (k) => users[k].reduce((sum, u) => sum + scale(gradients[u]) * Math.max(...[u, ...from[u]].map((j) => largest(values[j]))), 0);
    let next = 0;
    const wrong = (a, digest, slack) => {
      const one = digest.number !== undefined, wanted = one ? plain(digest.number) : checks[next++];
      const [found, size] = one ? [np.dataOf(a)[0], Math.abs(wanted)] : projection(a);
      if (!Number.isFinite(wanted) || !Number.isFinite(found)) return Number.isNaN(found) ? !Number.isNaN(wanted) : found !== wanted;
      const error = Math.abs(found - wanted);
      return error > given.within * size && error > noise * slack();
    };
    for (let k = 0; k < count; k++) {
      const e = events[k], g = gradients[k];
      if (!Array.isArray(values[k]) && wrong(values[k], e.value, () => terms(k))) return `${headingOf(k)} is recomputed to another value than the page's`;
      if (e.gradient === undefined || Array.isArray(g)) continue;
      if (g === undefined || wrong(g, e.gradient, () => (e.gradient.noise ? Infinity : termsOfGradient(k)))) return `the gradient of ${headingOf(k)} is recomputed to another than the page's`;
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
  const shaped = (a) => (a === undefined ? undefined : { shape: np.shapeOf(a), data: Float64Array.from(np.dataOf(a)) });
  return {
    alive: true,
    why: "",
    value: (k) => shaped(values[k]),
    gradient: (k) => shaped(gradients[k]),
    contribution: (u, i) => shaped((passed[u] || [])[i] ?? undefined),
    set(k, numbers, shape = events[k].value.shape) { values[k] = np.array(shape, Float64Array.from([].concat(numbers.length === undefined ? numbers : [...numbers]))); },
    reset() { values = recorded.slice(); run(); },
    run,
    refresh,
    digest: (a, dtype = "float64") => digestOf(a, dtype),
    evaluate: (given, event) => shaped(evaluate(given, event)),
  };
})();
document.documentElement.dataset.live = live.alive ? "alive" : live.why;
