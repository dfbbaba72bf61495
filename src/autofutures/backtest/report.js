"use strict";
// Draws the charts from the page's own data, keeps their time axes together, and sorts the trades table.
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const { palette } = scheme;

  const numbers = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new Float64Array(bytes.buffer);
  };

  // The library hands ranges back as numbers or as texts of a clock without a zone.
  const toMs = (value) => {
    if (typeof value === "number") return value;
    const text = String(value).replace(" ", "T");
    return Date.parse(text.length <= 10 ? text + "T00:00Z" : text + "Z");
  };

  const stamp = (ms) => new Date(ms).toISOString().slice(0, 23).replace("T", " ");

  const firstAtOrAfter = (at, ms) => {
    let low = 0, high = at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < ms) low = middle + 1; else high = middle;
    }
    return low;
  };

  // Lowest and highest of a column within the window, with the neighbours that the line is drawn from.
  const reach = (at, values, from, to) => {
    const first = Math.max(0, firstAtOrAfter(at, from) - 1);
    const end = Math.min(at.length, firstAtOrAfter(at, to) + 1);
    let low = Infinity, high = -Infinity;
    for (let index = first; index < end; index++) {
      if (values[index] < low) low = values[index];
      if (values[index] > high) high = values[index];
    }
    return [low, high];
  };

  const padded = ([low, high], share) => {
    if (!(high >= low)) return null;
    const pad = (high - low) * share || Math.abs(high) * 0.001 || 10;
    return [low - pad, high + pad];
  };

  const charts = [];
  const whole = [Infinity, -Infinity];
  const widen = (at) => {
    if (!at.length) return;
    whole[0] = Math.min(whole[0], at[0]);
    whole[1] = Math.max(whole[1], at[at.length - 1]);
  };

  const axis = (colours, more) => ({
    gridcolor: colours.line, linecolor: colours.edge, zeroline: false, tickfont: { color: colours.quiet, size: 11 },
    fixedrange: true, side: "right", ...more,
  });

  const layout = (colours, more) => ({
    paper_bgcolor: colours.panel, plot_bgcolor: colours.panel, hovermode: "closest", dragmode: "zoom",
    font: { family: "system-ui, sans-serif", size: 12, color: colours.text },
    modebar: { uirevision: 1, color: colours.edge, activecolor: colours.quiet, bgcolor: "rgba(0,0,0,0)" },
    margin: { l: 4, r: 76, t: 30, b: 34 },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.edge, font: { color: colours.text, size: 12, family: "system-ui, sans-serif" }, align: "left" },
    legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom", uirevision: 1, font: { color: colours.quiet, size: 12 } },
    shapes: data.breaks.length > 60 ? [] : data.breaks.map(([, to]) => ({
      type: "line", xref: "x", yref: "paper", x0: to, x1: to, y0: 0, y1: 1,
      line: { color: colours.edge, width: 1, dash: "dot" },
    })),
    xaxis: {
      type: "date", range: whole.slice(), rangebreaks: data.breaks.map(([from, to]) => ({ bounds: [stamp(from), stamp(to)] })),
      gridcolor: colours.line, linecolor: colours.edge, zeroline: false, tickfont: { color: colours.quiet, size: 11 },
      tickformatstops: [
        { dtickrange: [null, 1000], value: "%H:%M:%S.%L" },
        { dtickrange: [1000, 60000], value: "%H:%M:%S\n%m-%d" },
        { dtickrange: [60000, 86400000], value: "%H:%M\n%m-%d" },
        { dtickrange: [86400000, null], value: "%m-%d\n%Y" },
      ],
    },
    ...more,
  });

  const when = "%{x|%Y-%m-%d %H:%M:%S}";

  const equityChart = () => {
    const at = numbers(data.equity_at), net = numbers(data.net), drawdown = numbers(data.drawdown);
    const held = numbers(data.benchmark);
    widen(at);
    return {
      at, id: "equity",
      traces: (colours) => [
        { x: at, y: net, type: "scatter", mode: "lines", name: "Net profit", line: { color: colours.accent, width: 1.6, shape: "hv" },
          fill: "tozeroy", fillcolor: colours.fill,
          hovertemplate: `<b>%{y:+,.0f} ${data.currency}</b><br>${when}<extra></extra>` },
        ...(held.length ? [{ x: at, y: held, type: "scatter", mode: "lines", name: "Buy and hold, one contract", visible: "legendonly",
          line: { color: colours.price, width: 1, shape: "hv" }, hovertemplate: `<b>%{y:+,.0f} ${data.currency}</b> if held<br>${when}<extra></extra>` }] : []),
        { x: at, y: drawdown, yaxis: "y2", type: "scatter", mode: "lines", name: "Drawdown",
          line: { color: colours.down, width: 1, shape: "hv" }, fill: "tozeroy",
          hovertemplate: `<b>%{y:,.0f} ${data.currency}</b> from the peak<br>${when}<extra></extra>` },
      ],
      layout: (colours) => layout(colours, {
        xaxis: { ...layout(colours).xaxis, anchor: "y2" },
        yaxis: axis(colours, { domain: [0.34, 1], tickformat: ",.0f", zeroline: true, zerolinecolor: colours.edge }),
        yaxis2: axis(colours, { domain: [0, 0.27], tickformat: ",.0f", zeroline: true, zerolinecolor: colours.edge, nticks: 4 }),
      }),
      fit: (from, to) => {
        const [low, high] = reach(at, net, from, to);
        return {
          yaxis: padded([Math.min(low, 0), Math.max(high, 0)], 0.06),
          yaxis2: padded([reach(at, drawdown, from, to)[0], 0], 0.06),
        };
      },
    };
  };

  const kinds = {
    buy_to_open: { name: "Buy to open", symbol: "triangle-up", side: "up" },
    sell_to_close: { name: "Sell to close", symbol: "triangle-down-open", side: "down" },
    sell_to_open: { name: "Sell to open", symbol: "triangle-down", side: "down" },
    buy_to_close: { name: "Buy to close", symbol: "triangle-up-open", side: "up" },
  };

  // Each marker is a node of the page, so that only those in view are drawn, and of very many an even share.
  const MOST_MARKS = 4000;
  const inView = (marks, from, to) => {
    const chosen = marks.map((mark) => Array.from(mark.at.keys()).filter((index) => mark.at[index] >= from && mark.at[index] <= to));
    const count = chosen.reduce((sum, indices) => sum + indices.length, 0);
    const step = Math.max(1, Math.ceil(count / MOST_MARKS));
    const size = count > 1500 ? 5 : count > 300 ? 7 : count > 80 ? 9 : 12;
    return chosen.map((indices, kind) => {
      const kept = indices.filter((_, place) => place % step === 0);
      const { at, price, text } = marks[kind];
      return { x: kept.map((index) => at[index]), y: kept.map((index) => price[index]), text: kept.map((index) => text[index]), size };
    });
  };

  const priceChart = (source, index) => {
    const at = numbers(source.at), price = numbers(source.price);
    const marks = source.marks.map((mark) => ({ ...mark, at: numbers(mark.at), price: numbers(mark.price) }));
    const links = { up: source.wins.map(numbers), down: source.losses.map(numbers) };
    widen(at);
    const link = (side, name, colours) => ({
      x: links[side][0], y: links[side][1], type: "scatter", mode: "lines", name, hoverinfo: "skip", connectgaps: false,
      line: { color: colours[side], width: 1.2, dash: "dot" },
    });
    const ends = [
      ...(links.up[0].length ? [["up", "Won"]] : []),
      ...(links.down[0].length ? [["down", "Lost"]] : []),
    ];
    const marker = (mark, colours) => {
      const { symbol, side } = kinds[mark.kind];
      const open = symbol.endsWith("open");
      return { symbol, color: colours[side], line: { width: open ? 1.4 : 0.6, color: open ? colours[side] : colours.panel } };
    };
    return {
      at, id: `price-${index}`,
      place: (traces, from, to) => inView(marks, from, to).forEach(({ x, y, text, size }, kind) => {
        const trace = traces[1 + ends.length + kind];
        Object.assign(trace, { x, y, text });
        trace.marker.size = size;
      }),
      traces: (colours) => [
        { x: at, y: price, type: "scatter", mode: "lines", name: "Price", line: { color: colours.price, width: 1, shape: "hv" },
          hovertemplate: `<b>%{y:,}</b><br>${when}<extra></extra>` },
        ...ends.map(([side, name]) => link(side, name, colours)),
        ...marks.map((mark) => ({
          type: "scatter", mode: "markers", hoverinfo: "text", showlegend: true, name: kinds[mark.kind].name, marker: marker(mark, colours),
        })),
      ],
      layout: (colours) => layout(colours, { yaxis: axis(colours, { tickformat: "," }) }),
      fit: (from, to) => {
        const drawn = inView(marks, from, to).flatMap(({ y }) => y);
        const [low, high] = reach(at, price, from, to);
        return { yaxis: padded([drawn.reduce((a, b) => Math.min(a, b), low), drawn.reduce((a, b) => Math.max(a, b), high)], 0.06) };
      },
    };
  };

  const config = { responsive: true, displaylogo: false, doubleClick: false, scrollZoom: true, showTips: false,
                   modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]] };

  // The library counts labels as if closed hours were shown.
  const labels = (from, to) => {
    const closed = data.breaks.reduce((sum, [begins, ends]) => sum + Math.max(0, Math.min(to, ends) - Math.max(from, begins)), 0);
    return Math.min(60, Math.round((11 * (to - from)) / Math.max(1, to - from - closed)));
  };

  const draw = async (chart, from, to) => {
    const colours = palette();
    const made = chart.layout(colours), traces = chart.traces(colours);
    chart.range = [from, to];
    Object.assign(made.xaxis, { range: [from, to], nticks: labels(from, to) });
    for (const [name, range] of Object.entries(chart.fit(from, to))) made[name].range = range;
    if (chart.place) chart.place(traces, from, to);
    chart.busy = true;
    await Plotly.react(chart.div, traces, made, config);
    chart.busy = false;
  };

  const setAll = (from, to) => Promise.all(charts.map((chart) => draw(chart, from, to)));

  const follow = (chart) => (change) => {
    if (chart.busy) return;
    if ("xaxis.range[0]" in change) setAll(toMs(change["xaxis.range[0]"]), toMs(change["xaxis.range[1]"]));
    else if ("xaxis.range" in change) setAll(...change["xaxis.range"].map(toMs));
    else if (change["xaxis.autorange"]) setAll(...whole);
  };

  const start = async () => {
    const all = [equityChart(), ...data.prices.map(priceChart)].filter((chart) => chart.at.length);
    for (const chart of all) {
      chart.div = document.getElementById(chart.id);
      await draw(chart, ...whole);
      chart.div.on("plotly_relayout", follow(chart));
      chart.div.on("plotly_doubleclick", () => setAll(...whole));
      // The wheel scrolls the page unless Ctrl is held, as on a map within a page.
      chart.div.addEventListener("wheel", (event) => { if (!event.ctrlKey) event.stopPropagation(); }, { capture: true });
      charts.push(chart);
    }
    if (!data.equity_at) document.getElementById("equity").replaceWith("No trade of the market was seen, so there is no equity to draw.");
  };

  const redraw = () => Promise.all(charts.map((chart) => draw(chart, ...chart.range)));
  // On paper the charts have the sizes that the style sheet gives them there, and light colours.
  const resize = (size) => charts.forEach((chart) => Plotly.relayout(chart.div, size(chart)));
  scheme.onChange((why) => {
    redraw();
    if (why === "print") resize((chart) => ({ width: 1000, height: chart.place ? 420 : 330 }));
    if (why === "screen") resize(() => ({ width: null, height: null, autosize: true }));
  });

  const value = (row, place) => {
    const cell = row.cells[place];
    const text = cell.dataset.value ?? cell.textContent;
    const number = Number(text.replaceAll(",", "").replace("–", ""));
    return text !== "" && Number.isFinite(number) ? number : text;
  };

  const sortBy = (head, place) => {
    const table = head.closest("table"), body = table.tBodies[0];
    const falling = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const rows = Array.from(body.rows, (row) => [value(row, place), row]);
    rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (falling ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
  };

  const choose = (row) => {
    const chart = document.getElementById(row.dataset.chart);
    if (!chart) return;
    const from = Number(row.dataset.in), to = Number(row.dataset.out);
    const pad = Math.max((to - from) * 0.6, 120000);
    document.querySelectorAll("tr.chosen").forEach((other) => other.classList.remove("chosen"));
    row.classList.add("chosen");
    setAll(Math.max(whole[0], from - pad), Math.min(whole[1], to + pad)).then(() => chart.scrollIntoView({ behavior: "smooth", block: "center" }));
  };

  for (const table of document.querySelectorAll("table.trades")) {
    Array.from(table.tHead.rows[0].cells).forEach((head, place) => head.querySelector("button").addEventListener("click", () => sortBy(head, place)));
    table.tBodies[0].addEventListener("click", (event) => choose(event.target.closest("tr")));
    table.tBodies[0].addEventListener("keydown", (event) => { if (event.key === "Enter") choose(event.target.closest("tr")); });
  }
  start();
})();
