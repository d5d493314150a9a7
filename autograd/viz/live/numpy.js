// NumPy in the page: an array is { shape, data } in C order, or a plain number if it has no axes.
// Truth values are 1 and 0. The functions have NumPy's names; rows are written in terms of them.

const np = (() => {
  const count = (shape) => shape.reduce((n, m) => n * m, 1);
  const shapeOf = (a) => (typeof a === "number" ? [] : a.shape);
  const dataOf = (a) => (typeof a === "number" ? [a] : a.data);
  const array = (shape, data) => (shape.length ? { shape, data } : data[0]);
  const full = (shape, x) => array(shape, new Float64Array(count(shape)).fill(x));
  const same = (s, t) => s.length === t.length && s.every((n, i) => n === t[i]);
  const stridesOf = (shape) => shape.map((_, i) => count(shape.slice(i + 1)));
  const axesOf = (axis, ndim) => (axis === null ? [...Array(ndim).keys()] : [].concat(axis).map((k) => (k + ndim) % (ndim || 1)));
  const refuse = (text) => { throw new RangeError(text); };

  // Where an array of this shape, read with these strides, finds its elements.
  function places(shape, strides, start = 0) {
    const found = new Int32Array(count(shape)), n = shape.length;
    if (!n) return found.fill(start);
    const at = new Int32Array(n), last = shape[n - 1], step = strides[n - 1];
    for (let i = 0, p = start; i < found.length; ) {
      for (let j = 0; j < last; j++) found[i++] = p + j * step;
      for (let k = n - 2; k >= 0; k--) {
        p += strides[k];
        if (++at[k] < shape[k]) break;
        p -= strides[k] * shape[k];
        at[k] = 0;
      }
    }
    return found;
  }
  const hold = (shape, size) => { if (count(shape) !== size) refuse(`positions in ${size} elements do not hold for (${shape})`); };
  const pick = (data, shape, at, fill = 0) => {
    const y = new Float64Array(at.length);
    for (let i = 0; i < y.length; i++) y[i] = at[i] < 0 ? fill : data[at[i]];
    return array(shape, y);
  };
  const drop = (data, at, shape) => { // the transpose of pick: elements of one place add up
    const y = new Float64Array(count(shape));
    for (let i = 0; i < at.length; i++) if (at[i] >= 0) y[at[i]] += data[i];
    return array(shape, y);
  };

  // ---- broadcasting
  function common(...shapes) {
    const n = Math.max(...shapes.map((s) => s.length)), shape = Array(n).fill(1);
    for (const s of shapes) s.forEach((m, i) => {
      const k = i + n - s.length;
      if (m !== 1 && shape[k] !== 1 && shape[k] !== m) refuse(`shapes (${shapes.join(") and (")}) do not broadcast`);
      if (m !== 1) shape[k] = m;
    });
    return shape;
  }
  const stretched = (a, shape) => {
    const s = shapeOf(a), lead = shape.length - s.length, own = stridesOf(s);
    return shape.map((n, k) => (k < lead || (s[k - lead] === 1 && n !== 1) ? 0 : s[k - lead] === n ? own[k - lead] : refuse(`(${s}) does not broadcast to (${shape})`)));
  };
  function broadcast_to(a, shape) {
    if (typeof a === "number") return full(shape, a);
    return same(a.shape, shape) ? a : pick(a.data, shape, places(shape, stretched(a, shape)));
  }
  const map = (f) => (a) => {
    if (typeof a === "number") return f(a);
    const x = a.data, y = new Float64Array(x.length);
    for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
    return { shape: a.shape, data: y };
  };
  const zip = (f) => function call(a, b) {
    if (typeof a === "number") {
      if (typeof b === "number") return f(a, b);
      const x = b.data, y = new Float64Array(x.length);
      for (let i = 0; i < y.length; i++) y[i] = f(a, x[i]);
      return { shape: b.shape, data: y };
    }
    const p = a.data;
    if (typeof b === "number") {
      const y = new Float64Array(p.length);
      for (let i = 0; i < y.length; i++) y[i] = f(p[i], b);
      return { shape: a.shape, data: y };
    }
    if (!same(a.shape, b.shape)) {
      const shape = common(a.shape, b.shape);
      return call(broadcast_to(a, shape), broadcast_to(b, shape));
    }
    const q = b.data, y = new Float64Array(p.length);
    for (let i = 0; i < y.length; i++) y[i] = f(p[i], q[i]);
    return { shape: a.shape, data: y };
  };
  function where(c, a, b) {
    if (typeof c === "number" && typeof a === "number" && typeof b === "number") return c ? a : b;
    const shape = common(shapeOf(c), shapeOf(a), shapeOf(b));
    const [k, p, q] = [c, a, b].map((x) => broadcast_to(x, shape).data), y = new Float64Array(k.length);
    for (let i = 0; i < y.length; i++) y[i] = k[i] ? p[i] : q[i];
    return { shape, data: y };
  }

  // ---- reductions
  const reduction = (f, start) => (a, axis = null, keepdims = false, initial = start) => {
    const s = shapeOf(a), gone = axesOf(axis, s.length), x = dataOf(a);
    const kept = s.map((n, k) => (gone.includes(k) ? 1 : n)), own = stridesOf(kept);
    const y = new Float64Array(count(kept)).fill(initial);
    const at = places(s, kept.map((n, k) => (gone.includes(k) ? 0 : own[k])));
    for (let i = 0; i < x.length; i++) y[at[i]] = f(y[at[i]], x[i]);
    return array(keepdims ? kept : s.filter((_, k) => !gone.includes(k)), y);
  };
  const sum = reduction((a, b) => a + b, 0);
  const mean = (a, axis = null, keepdims = false) => {
    const y = sum(a, axis, keepdims), n = count(shapeOf(a)) / dataOf(y).length;
    return map((x) => x / n)(y);
  };

  // A function of each line along an axis, which fills a line of the result.
  const along = (f, length = (n) => n) => (a, axis, ...others) => {
    const s = shapeOf(a), k = (axis + s.length) % s.length, n = s[k], m = length(n, ...others);
    const inner = count(s.slice(k + 1)), outer = count(s.slice(0, k)), x = dataOf(a);
    const shape = [...s.slice(0, k), m, ...s.slice(k + 1)], y = new Float64Array(outer * m * inner);
    const line = new Float64Array(n), out = new Float64Array(m);
    for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) {
      for (let j = 0; j < n; j++) line[j] = x[(o * n + j) * inner + i];
      f(line, out.fill(0), ...others);
      for (let j = 0; j < m; j++) y[(o * m + j) * inner + i] = out[j];
    }
    return array(shape, y);
  };
  const running = (f) => along((x, y) => { x.forEach((v, j) => { y[j] = j ? f(y[j - 1], v) : v; }); });
  const position = (better) => {
    const lines = along((x, y) => { x.forEach((v, j) => { if (better(v, x[y[0]]) || (v !== v && x[y[0]] === x[y[0]])) y[0] = j; }); }, () => 1);
    return (a, axis, keepdims = false) => (keepdims ? lines(a, axis) : sum(lines(a, axis), axis));
  };
  const argsort = along((x, y) => { [...x.keys()].sort((i, j) => (x[i] !== x[i]) - (x[j] !== x[j]) || x[i] - x[j] || i - j).forEach((i, j) => { y[j] = i; }); });

  // ---- shapes and indices
  function reshape(a, shape) {
    const s = [].concat(shape), n = dataOf(a).length, hole = s.indexOf(-1);
    if (hole >= 0) s[hole] = n / -count(s);
    return count(s) === n ? array(s, dataOf(a)) : refuse(`(${shapeOf(a)}) can't be reshaped to (${s})`);
  }
  function transpose(a, axes) {
    const own = stridesOf(a.shape), shape = axes.map((k) => a.shape[k]);
    return pick(a.data, shape, places(shape, axes.map((k) => own[k])));
  }
  // A basic index of ints, [start, stop, step], "new" and "...": the shape, strides and start of what it reads.
  function view(shape, index) {
    const own = stridesOf(shape), to = [], strides = [];
    let k = 0, start = 0;
    const rest = shape.length - index.filter((p) => p !== "new" && p !== "...").length;
    const keep = (n) => { for (let j = 0; j < n; j++) { to.push(shape[k]); strides.push(own[k++]); } };
    for (const p of index) {
      if (p === "new") { to.push(1); strides.push(0); continue; }
      if (p === "...") { keep(rest); continue; }
      const n = shape[k];
      if (typeof p === "number") {
        if (p >= n || p < -n) refuse(`index ${p} is out of ${n}`);
        start += ((p + n) % n) * own[k++];
        continue;
      }
      const step = p[2] ?? 1, [low, high] = step > 0 ? [0, n] : [-1, n - 1];
      const clip = (x, none) => Math.min(Math.max(x === null ? none : x < 0 ? x + n : x, low), high);
      const from = clip(p[0], step > 0 ? 0 : n - 1), end = p[1] === null && step < 0 ? -1 : clip(p[1], n);
      to.push(Math.max(0, Math.ceil((end - from) / step)));
      strides.push(own[k] * step);
      start += from * own[k++];
    }
    keep(shape.length - k);
    return [to, places(to, strides, start)];
  }
  // Positions along one axis: the shape, and the places, of what `take` reads.
  function taken(shape, indices, axis) {
    const k = (axis + shape.length) % shape.length, n = shape[k], inner = count(shape.slice(k + 1)), outer = count(shape.slice(0, k));
    const at = dataOf(indices), found = new Int32Array(outer * at.length * inner);
    for (let o = 0, p = 0; o < outer; o++) for (const i of at) {
      if (i >= n || i < -n) refuse(`index ${i} is out of ${n}`);
      for (let j = 0; j < inner; j++) found[p++] = (o * n + (i < 0 ? i + n : i)) * inner + j;
    }
    return [[...shape.slice(0, k), ...shapeOf(indices), ...shape.slice(k + 1)], found];
  }
  // The same where each line along the axis has its own positions.
  function lines(shape, indices, axis) {
    const k = (axis + shape.length) % shape.length, n = shape[k];
    const to = common(shape.map((m, j) => (j === k ? 1 : m)), indices.shape), at = broadcast_to(indices, to).data;
    const start = places(to, stridesOf(shape).map((s, j) => (j === k ? 0 : s))), step = count(shape.slice(k + 1));
    return [to, start.map((p, i) => p + (at[i] < 0 ? at[i] + n : at[i]) * step)];
  }
  function concatenate(arrays, axis = 0) {
    const s = arrays[0].shape, k = (axis + s.length) % s.length, inner = count(s.slice(k + 1)), outer = count(s.slice(0, k));
    const shape = s.map((n, j) => (j === k ? arrays.reduce((m, a) => m + a.shape[k], 0) : n)), y = new Float64Array(count(shape));
    let from = 0;
    for (const a of arrays) {
      if (a.shape.some((n, j) => j !== k && n !== s[j])) refuse(`(${s}) and (${a.shape}) can't be joined`);
      const width = a.shape[k] * inner;
      for (let o = 0; o < outer; o++) y.set(a.data.subarray(o * width, (o + 1) * width), o * shape[k] * inner + from);
      from += width;
    }
    return { shape, data: y };
  }
  function stack(arrays, axis = 0) {
    const s = shapeOf(arrays[0]), k = (axis + s.length + 1) % (s.length + 1), to = [...s.slice(0, k), 1, ...s.slice(k)];
    return concatenate(arrays.map((a) => ({ shape: to, data: Float64Array.from(dataOf(a)) })), k);
  }

  // ---- products
  function einsum(xs, text) {
    const [left, out] = text.split("->"), terms = left.split(","), sizes = {};
    terms.forEach((t, k) => [...t].forEach((c, i) => {
      const n = shapeOf(xs[k])[i];
      if (n !== 1 && (sizes[c] ?? 1) !== 1 && sizes[c] !== n) refuse(`einsum ${text} of sizes ${n} and ${sizes[c]}`);
      sizes[c] = Math.max(sizes[c] ?? 1, n);
    }));
    const letters = [...new Set(out + terms.join(""))], shape = letters.map((c) => sizes[c]);
    const at = terms.map((t, k) => {
      const s = shapeOf(xs[k]), own = stridesOf(s);
      return places(shape, letters.map((c) => [...t].reduce((n, d, i) => (d === c && s[i] !== 1 ? n + own[i] : n), 0)));
    });
    const to = [...out].map((c) => sizes[c]), y = new Float64Array(count(to)), inner = count(shape.slice(out.length)), data = xs.map(dataOf);
    for (let o = 0, i = 0; o < y.length; o++) for (let j = 0; j < inner; j++, i++) {
      let product = data[0][at[0][i]];
      for (let k = 1; k < data.length; k++) product *= data[k][at[k][i]];
      y[o] += product;
    }
    return array(to, y);
  }
  function matmul(a, b) {
    const p = a.shape.length === 1 ? [1, ...a.shape] : a.shape, q = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
    const m = p[p.length - 2], n = p[p.length - 1], r = q[q.length - 1];
    if (q[q.length - 2] !== n) refuse(`(${a.shape}) @ (${b.shape})`);
    const lead = common(p.slice(0, -2), q.slice(0, -2));
    const left = places(lead, stretched({ shape: p.slice(0, -2) }, lead)), right = places(lead, stretched({ shape: q.slice(0, -2) }, lead));
    const y = new Float64Array(left.length * m * r), u = a.data, v = b.data;
    for (let t = 0, o = 0; t < left.length; t++) for (let i = 0, f = left[t] * m * n; i < m; i++, f += n, o += r)
      for (let k = 0, h = right[t] * n * r; k < n; k++, h += r) {
        const x = u[f + k];
        for (let j = 0; j < r; j++) y[o + j] += x * v[h + j];
      }
    return array([...lead, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [r] : [])], y);
  }

  // ---- functions of numbers
  const { PI, LN2, LN10, abs, exp, log, sqrt, floor } = Math;
  const truth = (f) => (a, b) => (f(a, b) ? 1 : 0);
  const remainder = (a, b) => { const r = a % b; return r && r < 0 !== b < 0 ? r + b : r; };
  const rint = (a) => { const r = Math.round(a); return r - a === 0.5 && r % 2 ? r - 1 : r; };
  const power = (a, b) => (a === 1 || (a === -1 && abs(b) === Infinity) ? 1 : a ** b);
  const logaddexp = (a, b) => (a === b ? a + LN2 : Math.max(a, b) + Math.log1p(exp(-abs(a - b))));
  function erfc(x) { // a series near 0, a continued fraction far from it
    if (x < 0) return 2 - erfc(-x);
    if (x < 2) return 1 - erf(x);
    let f = 0;
    for (let k = 90; k > 0; k--) f = k / 2 / (x + f);
    return exp(-x * x) / sqrt(PI) / (x + f);
  }
  function erf(x) {
    if (abs(x) > 2) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
    let term = x, total = x;
    for (let n = 1; n < 60; n++) total += term *= (2 * x * x) / (2 * n + 1);
    return (2 / sqrt(PI)) * exp(-x * x) * total;
  }
  const ofOne = {
    negative: (a) => -a, absolute: abs, sign: Math.sign, square: (a) => a * a, sqrt, cbrt: Math.cbrt, reciprocal: (a) => 1 / a,
    exp, exp2: (a) => 2 ** a, expm1: Math.expm1, log, log2: Math.log2, log10: Math.log10, log1p: Math.log1p,
    sin: Math.sin, cos: Math.cos, tan: Math.tan, arcsin: Math.asin, arccos: Math.acos, arctan: Math.atan,
    sinh: Math.sinh, cosh: Math.cosh, tanh: Math.tanh, arcsinh: Math.asinh, arccosh: Math.acosh, arctanh: Math.atanh,
    sinc: (a) => (a ? Math.sin(PI * a) / (PI * a) : 1), deg2rad: (a) => a * (PI / 180), rad2deg: (a) => a * (180 / PI),
    floor, ceil: Math.ceil, trunc: Math.trunc, rint, erf, erfc,
    signbit: truth((a) => a < 0 || Object.is(a, -0)), isnan: truth(Number.isNaN), isfinite: truth(Number.isFinite),
    isinf: truth((a) => abs(a) === Infinity), logical_not: truth((a) => !a),
  };
  const ofTwo = {
    add: (a, b) => a + b, subtract: (a, b) => a - b, multiply: (a, b) => a * b, divide: (a, b) => a / b, power,
    maximum: Math.max, minimum: Math.min, remainder, fmod: (a, b) => a % b,
    fmax: (a, b) => (a >= b || b !== b ? a : b), fmin: (a, b) => (a <= b || b !== b ? a : b),
    floor_divide: (a, b) => (b ? Math.round((a - remainder(a, b)) / b) : floor(a / b)),
    arctan2: Math.atan2, hypot: Math.hypot, copysign: (a, b) => (b < 0 || Object.is(b, -0) ? -abs(a) : abs(a)),
    logaddexp, logaddexp2: (a, b) => logaddexp(a * LN2, b * LN2) / LN2,
    greater: truth((a, b) => a > b), greater_equal: truth((a, b) => a >= b), less: truth((a, b) => a < b), less_equal: truth((a, b) => a <= b),
    equal: truth((a, b) => a === b), not_equal: truth((a, b) => a !== b),
    logical_and: truth((a, b) => a && b), logical_or: truth((a, b) => a || b), logical_xor: truth((a, b) => !a !== !b),
  };
  const all = Object.fromEntries([
    ...Object.entries(ofOne).map(([name, f]) => [name, map(f)]),
    ...Object.entries(ofTwo).map(([name, f]) => [name, zip(f)]),
  ]);
  return {
    ...all, map, array, shapeOf, dataOf, count, where, broadcast_to, sum, mean, einsum, matmul, reshape, transpose, concatenate, stack, argsort,
    prod: reduction((a, b) => a * b, 1), max: reduction(Math.max, -Infinity), min: reduction(Math.min, Infinity),
    any: reduction((a, b) => (a || b ? 1 : 0), 0), all: reduction((a, b) => (a && b ? 1 : 0), 1),
    argmax: position((a, b) => a > b), argmin: position((a, b) => a < b),
    cumsum: running((a, b) => a + b), cumprod: running((a, b) => a * b),
    zeros_like: (a) => full(shapeOf(a), 0), ones_like: (a) => full(shapeOf(a), 1),
    getitem: (a, index) => { const [shape, at] = view(shapeOf(a), index); return pick(dataOf(a), shape, at); },
    scatter: (a, index, shape) => { const [to, at] = view(shape, index); return drop(dataOf(broadcast_to(a, to)), at, shape); },
    take: (a, indices, axis) => { const [shape, at] = taken(a.shape, indices, axis); return pick(a.data, shape, at); },
    put: (a, indices, axis, shape) => { const [to, at] = taken(shape, indices, axis); return drop(dataOf(broadcast_to(a, to)), at, shape); },
    gather: (a, at, size, fill) => { hold(shapeOf(a), size); return pick(dataOf(a), shapeOf(at), dataOf(at), fill); },
    add_at: (a, at, shape, size) => { hold(shape, size); return drop(dataOf(broadcast_to(a, shapeOf(at))), dataOf(at), shape); },
    take_along_axis: (a, indices, axis) => { const [shape, at] = lines(a.shape, indices, axis); return pick(a.data, shape, at); },
    add_along_axis: (a, indices, n, axis) => {
      const shape = a.shape.map((m, k) => (k === (axis + a.shape.length) % a.shape.length ? n : m)), [to, at] = lines(shape, indices, axis);
      return drop(broadcast_to(a, to).data, at, shape);
    },
    recurrence: (a, b) => {
      const y = Float64Array.from(b.data), n = a.shape[a.shape.length - 1];
      for (let i = 0; i < y.length; i++) if (i % n) y[i] += a.data[i] * y[i - 1];
      return { shape: b.shape, data: y };
    },
    // The sum over the axes along which an array of this shape was broadcast.
    sum_to: (g, shape) => {
      const s = shapeOf(g), lead = s.length - shape.length;
      if (same(s, shape)) return g;
      const axes = s.map((_, k) => k).filter((k) => k < lead || (shape[k - lead] === 1 && s[k] !== 1));
      return reshape(axes.length ? sum(g, axes) : g, shape);
    },
  };
})();
