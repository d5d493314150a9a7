"use strict";
// #still, an element at the top of each picture, stops it while it is the target of the address.
const pause = document.getElementById("pause");
pause.addEventListener("click", () => {
  const still = pause.getAttribute("aria-pressed") === "false";
  pause.setAttribute("aria-pressed", still);
  document.querySelectorAll("img").forEach((img) => (img.src = img.getAttribute("src").split("#")[0] + (still ? "#still" : "")));
  document.querySelectorAll("source").forEach((s) => (s.srcset = s.srcset.split("#")[0] + (still ? "#still" : "")));
});
