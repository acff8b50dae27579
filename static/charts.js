// Draws the figures of a [data-charts] element with Plotly, and draws them again when their data or the theme changes.
// Plotly (4.8 MB) is only fetched, from this server, when a page has data to draw.
"use strict";

let loading = null;

function plotly(source) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => value(`--series-${number}`)),
    behind: value("--line-strong"),
    soft: value("--soft"),
    line: value("--line"),
    font: value("--font"),
  };
}

function dressed(figure, colours) {
  const axis = { gridcolor: colours.line, linecolor: colours.line, zeroline: false, automargin: true, fixedrange: true, nticks: 6 };
  const isBehind = (trace) => trace.role === "replay";
  let next = 0;
  const data = figure.data.map(({ role, ...trace }) => {
    const behind = role === "replay";
    const color = behind ? colours.behind : colours.series[next++ % colours.series.length];
    return { ...trace, line: { width: behind ? 1 : 1.9, color }, hovertemplate: "step %{x}: %{y:.4g}" };
  });
  const steps = data.flatMap((trace) => trace.x);
  const isShort = Math.max(...steps) - Math.min(...steps) < 7;
  const layout = {
    ...figure.layout,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colours.font, size: 11.5, color: colours.soft },
    margin: { l: 8, r: 12, t: 8, b: 8 },
    xaxis: { ...axis, tickformat: "d", ...(isShort && { dtick: 1 }) },
    yaxis: { ...axis, ...figure.layout.yaxis },
    hovermode: "closest",
    annotations: figure.data.length > 1 ? endLabels(data, figure.data.map(isBehind), colours) : [],
  };
  return { data, layout };
}

// Names stand at the ends of their lines, pushed apart where they would touch; a legend would be looked up eleven times.
function endLabels(data, behind, colours) {
  const ends = data.map((trace, index) => ({ name: trace.name, y: trace.y.at(-1), color: trace.line.color, behind: behind[index] }));
  ends.sort((one, other) => other.y - one.y);
  const values = data.flatMap((trace) => trace.y);
  const gap = (Math.max(...values) - Math.min(...values) || 1) / 15;
  let ceiling = Infinity;
  for (const end of ends) {
    end.place = Math.min(end.y, ceiling - gap);
    ceiling = end.place;
  }
  return ends.map((end) => ({
    text: end.name,
    x: 1,
    xref: "paper",
    xanchor: "left",
    xshift: 4,
    y: end.place,
    showarrow: false,
    font: { size: 11, color: end.behind ? colours.soft : end.color },
  }));
}

async function draw() {
  const source = document.querySelector("[data-charts]");
  if (!source) return;
  const figures = JSON.parse(document.getElementById(source.dataset.charts).textContent);
  const boxes = [...document.querySelectorAll("[data-chart]")].filter((box) => figures[box.dataset.chart]);
  for (const box of document.querySelectorAll("[data-chart]")) box.closest("figure").hidden = !boxes.includes(box);
  if (!boxes.length) return;
  const library = await plotly(boxes[0].dataset.plotly);
  const colours = theme();
  for (const box of boxes) {
    const { data, layout } = dressed(figures[box.dataset.chart], colours);
    if (layout.annotations.length) layout.margin.r = 120;
    library.react(box, data, layout, { displayModeBar: false, responsive: true });
  }
}

document.addEventListener("DOMContentLoaded", draw);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.matches("[data-charts]") || event.target.querySelector("[data-charts]")) draw();
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
