// "Step through this step": the player of the graph, with the weights and samples of now.

function playerNow() {
  const held = batch && batch.n && settings.batch ? batch : train, values = arraysOf(held);
  for (const [k] of variant.parameters) { const { shape, data } = live.value(k); values[k] = { shape: [...shape], data }; }
  const plainly = Object.entries(values).map(([k, { shape, data }]) => [+k, [...shape], [...data]]);
  const title = `${given.title}: step ${taken}`;
  const content = { ...variant.player, title, values: plainly, from: `the weights of step ${taken} in the playground` };
  const text = JSON.stringify(content).replace(/</g, "\\u003c").replace(/\u2028/g, "\\u2028");
  return given.shell.split(given.holes[0]).join(text).split(given.holes[1]).join(variant.rows);
}
function showPlayer() {
  stop();
  redraw();
  byId("glasssays").textContent = `inside step ${taken}`;
  byId("player").srcdoc = playerNow();
  byId("glass").showModal();
}
