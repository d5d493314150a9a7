// Fingers and mouse on the graph: drag moves it, two fingers or the wheel with the control key zoom.

const area = byId("scroll"), fingers = new Map();
let moved = 0;

function magnify(factor, x, y) { // about a point of the screen, else about the middle
  const { left, top, width, height } = area.getBoundingClientRect(), before = zoom;
  const dx = (x ?? left + width / 2) - left, dy = (y ?? top + height / 2) - top;
  zoomed = true;
  zoom = Math.min(Math.max(zoom * factor, 0.2), 3);
  const grown = zoom / before - 1, goal = [area.scrollLeft + (area.scrollLeft + dx) * grown, area.scrollTop + (area.scrollTop + dy) * grown];
  scale();
  area.scrollTo(...goal);
}
byId("larger").addEventListener("click", () => magnify(1.25));
byId("smaller").addEventListener("click", () => magnify(1 / 1.25));
byId("fit").addEventListener("click", () => { zoomed = false; fit(); });
area.addEventListener("wheel", (e) => { // a pinch on a touchpad is a wheel with the control key
  if (!e.ctrlKey && !e.metaKey) return;
  e.preventDefault();
  magnify(Math.exp(-e.deltaY / 300), e.clientX, e.clientY);
}, { passive: false });

const spread = () => { const [a, b] = [...fingers.values()]; return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) }; };
area.addEventListener("pointerdown", (e) => {
  if (e.pointerType === "mouse" && e.button) return;
  if (e.isPrimary) { fingers.clear(); moved = 0; }
  fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
});
window.addEventListener("pointermove", (e) => {
  const finger = fingers.get(e.pointerId);
  if (!finger) return;
  if (e.pointerType === "mouse" && !e.buttons) { fingers.delete(e.pointerId); return; }
  const before = fingers.size === 2 && spread(), dx = e.clientX - finger.x, dy = e.clientY - finger.y;
  moved += Math.abs(dx) + Math.abs(dy);
  if (moved < 6 && !before) return; // a click with an unsteady hand
  fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
  if (!before) { area.scrollBy(-dx, -dy); return; }
  const after = spread();
  area.scrollBy(before.x - after.x, before.y - after.y);
  if (before.apart > 0) magnify(after.apart / before.apart, after.x, after.y);
});
["pointerup", "pointercancel"].forEach((on) => window.addEventListener(on, (e) => fingers.delete(e.pointerId)));
area.addEventListener("click", (e) => { if (moved >= 6) { e.stopPropagation(); e.preventDefault(); } moved = 0; }, true);
