"use strict";
// The player of the graph, in a frame, opened at the node of a finding.
{
  const packed = JSON.parse(document.getElementById("data").textContent);
  const frame = document.querySelector("iframe"), back = document.getElementById("return");
  const buttons = [...document.querySelectorAll("button[data-node]")];
  let loaded = false, address = "";

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  }
  function light(button) {
    address = `#n${button.dataset.node}`;
    buttons.forEach((b) => b.setAttribute("aria-pressed", b === button));
    if (loaded) frame.contentWindow.postMessage(address, "*");
  }
  if (packed) {
    buttons.forEach((button) => button.addEventListener("click", () => {
      light(button);
      if (!getComputedStyle(document.querySelector("main")).gridTemplateColumns.includes(" ")) { // one below the other
        frame.scrollIntoView({ block: "end" });
        back.hidden = false;
        back.onclick = () => { button.scrollIntoView({ block: "center" }); button.focus(); };
        back.focus({ preventScroll: true });
      }
    }));
    frame.addEventListener("load", () => { loaded = true; frame.contentWindow.postMessage(address, "*"); });
    light(buttons[0]);
    unpacked(packed).then((html) => { frame.srcdoc = html; });
  }
}
