// The page opens where its address says, else finished.

window.addEventListener("hashchange", () => { const address = location.hash; followed(address); teaching.follow(address); });
legend();
depths();
deepen(ordinary);
ready = followed();
if (!ready) { open(0, false, true); to(steps.length, true); ready = true; }
if (updates) loadUpdates();
teaching.follow(location.hash);
