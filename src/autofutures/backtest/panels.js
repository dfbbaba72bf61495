"use strict";
// Draws the charts that stand by themselves, from the page's own data.
(() => {
  const panels = JSON.parse(document.getElementById("panels").textContent);

  const coloured = (value, colours) => {
    if (typeof value === "string") return value[0] === "@" ? colours[value.slice(1)] ?? value : value;
    if (Array.isArray(value)) return value.map((each) => coloured(each, colours));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, coloured(each, colours)]));
    return value;
  };

  const axis = (given, colours) => ({
    gridcolor: colours.line, linecolor: colours.edge, zeroline: false, zerolinecolor: colours.edge, automargin: true,
    tickfont: { color: colours.quiet, size: 11 }, ...given,
    ...(given?.title ? { title: { font: { color: colours.quiet, size: 12 }, standoff: 8, ...given.title } } : {}),
  });

  const draw = (panel) => {
    const colours = scheme.palette(), given = coloured(panel.layout, colours);
    const axes = Object.keys({ xaxis: 1, yaxis: 1, ...given }).filter((name) => /^[xy]axis/.test(name));
    const layout = {
      paper_bgcolor: colours.panel, plot_bgcolor: colours.panel, colorway: colours.series, hovermode: "closest",
      font: { family: "system-ui, sans-serif", size: 12, color: colours.text }, margin: { l: 56, r: 16, t: 28, b: 44 },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", font: { color: colours.quiet, size: 12 } },
      hoverlabel: { bgcolor: colours.panel, bordercolor: colours.edge, font: { color: colours.text, size: 12 }, align: "left" },
      modebar: { color: colours.edge, activecolor: colours.quiet, bgcolor: "rgba(0,0,0,0)" },
      ...given, ...Object.fromEntries(axes.map((name) => [name, axis(given[name], colours)])),
    };
    const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    return Plotly.react(panel.id, coloured(panel.traces, colours), layout, config);
  };

  const isHalf = (place) => place.closest(".columns") || place.parentElement.matches(".pair:has(> :nth-child(2))");
  const size = (panel, width) => Plotly.relayout(panel.id, width ? { width } : { width: null, autosize: true });
  panels.forEach(draw);
  scheme.onChange(async (why) => {
    for (const panel of panels) {
      await draw(panel);
      if (why === "print") await size(panel, isHalf(document.getElementById(panel.id)) ? 480 : 1000);
      if (why === "screen") await size(panel, 0);
    }
  });
})();
