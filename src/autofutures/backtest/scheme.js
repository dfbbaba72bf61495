"use strict";
// The page's colours, light or dark: as the system has it until the reader chooses; always light on paper.
const scheme = (() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const redIsUp = root.dataset.up === "red";
  const listeners = [];
  const palettes = {
    light: { text: "#1b2330", quiet: "#5d6878", line: "#e6e9ee", edge: "#b9c1cc", panel: "#ffffff", price: "#7b8798",
             accent: "#2456a6", fill: "rgba(36,86,166,0.10)", red: "#c62828", green: "#12805c",
             series: ["#2456a6", "#b3541e", "#6a4aa3", "#0f7b83", "#9a7b00", "#a3355f", "#4d6b1f", "#5d6878"] },
    dark: { text: "#e4e8ee", quiet: "#98a4b5", line: "#2a323f", edge: "#4a5668", panel: "#1a202a", price: "#8390a3",
            accent: "#7fb0ff", fill: "rgba(127,176,255,0.14)", red: "#ff6b66", green: "#3fcf98",
            series: ["#7fb0ff", "#ffa36b", "#bfa3ff", "#5fd4dc", "#e6cf5a", "#ff8fb5", "#a9cf6a", "#98a4b5"] },
  };
  let printing = false;

  const isDark = () => !printing && (root.dataset.scheme ? root.dataset.scheme === "dark" : system.matches);
  const palette = () => {
    const chosen = palettes[isDark() ? "dark" : "light"];
    return { ...chosen, up: redIsUp ? chosen.red : chosen.green, down: redIsUp ? chosen.green : chosen.red };
  };
  const tell = (why) => listeners.forEach((listener) => listener(why));

  system.addEventListener("change", () => tell("scheme"));
  addEventListener("beforeprint", () => { printing = true; tell("print"); });
  addEventListener("afterprint", () => { printing = false; tell("screen"); });
  const button = document.getElementById("scheme");
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    root.dataset.scheme = isDark() ? "light" : "dark";
    name();
    tell("scheme");
  });
  name();

  return { palette, onChange: (listener) => listeners.push(listener) };
})();
