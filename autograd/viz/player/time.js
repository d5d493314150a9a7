// What has happened at a time: which values are known, which contributions have arrived.

const members = groups.map(() => []);
of.forEach((g, k) => { for (let at = g; at >= 0; at = groups[at].parent) members[at].push(k); });

const arrivals = events.map(() => []); // contributions to an event, in the order they arrive
for (let u = count - 1; u >= 0; u--)
  (events[u].inputs || []).forEach((place) => {
    if (place.out !== undefined) arrivals[place.from].push({ user: u, place });
  });

const firstUse = users.map((all) => all.reduce((a, b) => Math.min(a, b), Infinity));

function gradientAt(k, time) {
  const event = events[k];
  if (event.gradient === undefined) return { state: event.tracked && event.value ? "none" : "constant" };
  if (event.root) return { state: time >= count ? "whole" : "wait", size: 1 };
  const all = arrivals[k];
  const here = all.filter((a) => backAt(a.user) <= time);
  const complete = backAt(firstUse[k]) <= time;
  if (complete) return { state: "whole" };
  if (!here.length) return { state: "wait" };
  return { state: "part", arrived: here.length, of: all.length, size: here[here.length - 1].place.sum };
}
