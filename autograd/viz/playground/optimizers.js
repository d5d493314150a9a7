// Optimizers, as nn.optim has them: each changes an array p by its gradient g, with its own state.

const OPTIMIZERS = {
  SGD: {
    code: (lr) => `nn.optim.SGD(model.parameters(), lr=${lr})`,
    step(p, g, lr) { for (let i = 0; i < p.length; i++) p[i] -= lr * g[i]; },
  },
  momentum: {
    code: (lr) => `nn.optim.SGD(model.parameters(), lr=${lr}, momentum=0.9)`,
    step(p, g, lr, s) {
      if (!s.b) s.b = g.slice();
      else for (let i = 0; i < p.length; i++) s.b[i] = 0.9 * s.b[i] + g[i];
      for (let i = 0; i < p.length; i++) p[i] -= lr * s.b[i];
    },
  },
  Adam: {
    code: (lr) => `nn.optim.Adam(model.parameters(), lr=${lr})`,
    step(p, g, lr, s) {
      if (!s.m) Object.assign(s, { m: new Float64Array(p.length), v: new Float64Array(p.length), t: 0 });
      s.t += 1;
      const rate = lr / (1 - 0.9 ** s.t), scale = Math.sqrt(1 - 0.999 ** s.t);
      for (let i = 0; i < p.length; i++) {
        s.m[i] = 0.9 * s.m[i] + 0.1 * g[i];
        s.v[i] = 0.999 * s.v[i] + 0.001 * g[i] * g[i];
        p[i] -= (rate * s.m[i]) / (Math.sqrt(s.v[i]) / scale + 1e-8);
      }
    },
  },
};
