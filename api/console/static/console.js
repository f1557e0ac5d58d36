"use strict";

const REFRESH_WHILE_PLANNING_MS = 30000;  // should nothing be heard of a run
const REFRESH_AFTER_END_MS = 800;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), quiet: of("--quiet"), line: of("--line"), panel: of("--panel"),
           forecast: of("--quiet"), planned: of("--accent"), observed: of("--load") };
}

function chartOption(data, series) {
  const c = colours();
  const narrow = window.innerWidth < 520;
  const axis = { axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false },
                 axisLabel: { color: c.quiet }, splitLine: { lineStyle: { color: c.line } } };
  const line = (name, values, color, more) => ({ name, type: "line", step: "middle", showSymbol: false,
    data: values, color, lineStyle: { width: 2, color }, ...more });
  return {
    animation: false,
    aria: { enabled: false },
    grid: { left: 8, right: 12, top: 44, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 14, itemHeight: 4, textStyle: { color: c.ink } },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: c.panel, borderColor: c.line,
      textStyle: { color: c.ink },
      valueFormatter: (v) => (v === null || v === undefined ? "–" : Number(v).toPrecision(3) + " req/s") },
    xAxis: { type: "category", data: data.epochs, ...axis, splitLine: { show: false } },
    yAxis: { type: "value", name: narrow ? "" : "requests per second", nameLocation: "end",
      nameTextStyle: { color: c.quiet, align: "left" }, ...axis, axisLine: { show: false } },
    series: [
      line("Forecast", series.forecast, c.forecast, { z: 4, lineStyle: { width: 2, type: "dashed", color: c.forecast } }),
      line("Planned for", series.planned, c.planned, { areaStyle: { color: c.planned, opacity: 0.08 } }),
      { name: "Observed", type: "scatter", data: series.observed, color: c.observed, symbolSize: 10, z: 5,
        itemStyle: { color: c.observed, borderColor: c.panel, borderWidth: 1.5 } },
    ],
  };
}

function drawChart() {
  const source = document.getElementById("chart-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const chart = echarts.init(document.getElementById("chart"), null, { renderer: "svg" });
  const select = document.getElementById("chart-series");
  const draw = () => chart.setOption(chartOption(data, data.series[Number(select.value)]), true);
  select.addEventListener("change", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  window.addEventListener("resize", () => { chart.resize(); draw(); });
  draw();
}

const dollars = (value) => "$" + Number(value).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function progressText(data) {
  const parts = [];
  for (const name of ["incumbent", "bound"]) if (data[name] != null) parts.push(name + " " + dollars(data[name]) + "/h");
  if (data.gap != null) parts.push("gap " + (data.gap * 100).toFixed(1) + "\u00a0%");
  if (data.sub_clusters) parts.push((data.sub_clusters_certified || 0) + " of " + data.sub_clusters + " sub-clusters certified");
  return parts.join(" · ");
}

/** Progress of runs as it comes; where one ends, the page shows what came of it. */
function followRuns() {
  const fleet = new URLSearchParams(window.location.search).get("fleet");
  for (const item of document.querySelectorAll("[data-run]")) {
    const query = fleet ? "?fleet=" + encodeURIComponent(fleet) : "";
    const source = new EventSource("/v1/runs/" + encodeURIComponent(item.dataset.run) + "/events" + query);
    source.addEventListener("progress", (event) => {
      const data = JSON.parse(event.data);
      item.querySelector(".stage").textContent = data.stage;
      item.querySelector(".progress").textContent = progressText(data);
    });
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data).state;
      const badge = item.querySelector(".state");
      badge.textContent = state;
      badge.className = "state " + state;
      if (!["succeeded", "failed", "cancelled"].includes(state)) return;
      source.close();
      setTimeout(() => window.location.reload(), REFRESH_AFTER_END_MS);
    });
  }
}

function refreshWhilePlanning() {
  if (!("planning" in document.body.dataset)) return;
  setTimeout(() => window.location.reload(), REFRESH_WHILE_PLANNING_MS);
}

drawChart();
followRuns();
refreshWhilePlanning();
