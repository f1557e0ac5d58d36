"use strict";

const REFRESH_WHILE_PLANNING_MS = 4000;

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

function refreshWhilePlanning() {
  if (!("planning" in document.body.dataset)) return;
  setTimeout(() => window.location.reload(), REFRESH_WHILE_PLANNING_MS);
}

drawChart();
refreshWhilePlanning();
