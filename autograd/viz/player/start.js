// The page opens where its address says, else finished.

window.addEventListener("hashchange", () => followed());
legend();
ready = followed();
if (!ready) { open(0); to(steps.length, true); ready = true; }
if (updates) loadUpdates();
