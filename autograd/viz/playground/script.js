// "Copy as Python": a script with the settings, the samples and the weights of now.

const list = (data, shape) => {
  if (!shape.length) return String(data[0]);
  const [n, ...rest] = shape, size = data.length / n;
  return `[${Array.from({ length: n }, (_, i) => list(data.slice(i * size, (i + 1) * size), rest)).join(", ")}]`;
};
function wrapped(text, indent = "    ") { // at commas, to lines of at most 100 columns
  const lines = [];
  let line = "";
  for (const word of text.split(/(?<=,) /)) {
    if (line && line.length + word.length > 88) { lines.push(line); line = ""; }
    line += (line ? " " : "") + word;
  }
  return [...lines, line].join(`\n${indent}`);
}
function pythonNow() {
  const words = (x) => JSON.stringify(x), labels = task.kind === "regression" ? [...train.y].map(String) : [...train.y].map((y) => String(Math.round(y)));
  const stored = variant.parameters.map(([k, path]) => `    ${words(path)}: np.array(\n        ${wrapped(list([...live.value(k).data], variant.player.events[k].value.shape), "        ")}\n    ),`);
  const target = task.kind === "classes" ? `np.eye(${task.classes})[y]` : `y.reshape(${given.column ? "-1, 1" : "-1"}).astype(float)`;
  const batched = settings.batch && settings.batch < train.n;
  const mine = own ? `  # the last ${own} are the visitor's own` : "";
  return `"""${(given.sets.length > 1 ? `${given.title}, ${chosen.name}` : given.title).replace(/[\\"]/g, "").slice(0, 40)}: samples, settings and weights after ${taken} steps in the page."""

import numpy as np

import nn

X = np.array(${mine}
    ${wrapped(list(train.x, [train.n, features]))}
)
y = np.array(
    [${wrapped(labels.join(", "))}]
)
t = ${target}

${variant.code ? `model = ${variant.code.replace(/^nn.Sequential\(|\)$/g, "").split(/, (?=nn\.)/).reduce((text, m) => `${text}    ${m},\n`, "nn.Sequential(\n")}).double()` : "from your_model import model  # the model that was given to the playground, in float64"}
model.load_state_dict({
${stored.join("\n")}
})


def loss(x, t):
    return ${given.loss}


print(f"loss {loss(X, t).item():.9g}")  # the page shows ${train.n ? lossOf(train).toPrecision(9) : "no loss"}

optimizer = ${OPTIMIZERS[settings.optimizer].code(settings.rate)}
rng = np.random.default_rng(0)
for step in range(100):
    ${batched ? `batch = rng.choice(len(X), ${settings.batch}, replace=False)` : "batch = slice(None)  # all samples"}
    optimizer.zero_grad()
    loss(X[batch], t[batch]).backward()
    optimizer.step()
print(f"loss {loss(X, t).item():.9g} after 100 more steps")
`;
}
function copy(text, button) {
  const before = button.textContent, say = (t) => { button.textContent = t; setTimeout(() => { button.textContent = before; }, 1500); };
  const failed = () => say("select and copy");
  try { navigator.clipboard.writeText(text).then(() => say("copied"), failed); } catch { failed(); }
}
function showPython() {
  const text = byId("text"), code = pythonNow();
  byId("papersays").textContent = variant.code ? "It prints the loss that this page shows, then trains on. It needs glassgrad: pip install glassgrad." : "The page doesn't know how your model is written: put it in the place of the import. All else is here.";
  text.value = code;
  byId("paper").showModal();
  text.focus();
  text.select();
  copy(code, byId("python"));
}
