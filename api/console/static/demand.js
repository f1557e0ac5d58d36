"use strict";

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), quiet: of("--quiet"), line: of("--line"), panel: of("--panel"),
           planner: of("--quiet"), measured: of("--accent"), observed: of("--load") };
}

function chartOption(data, series) {
  const c = colours();
  const narrow = window.innerWidth < 520;
  const axis = { axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false },
                 axisLabel: { color: c.quiet }, splitLine: { lineStyle: { color: c.line } } };
  const line = (name, values, color, more) => ({ name, type: "line", showSymbol: false, data: values, color,
    lineStyle: { width: 2, color }, ...more });
  const invisible = { lineStyle: { opacity: 0 }, stack: "band", tooltip: { show: false }, silent: true };
  const width = series.high.map((high, i) => (high === null ? null : high - series.low[i]));
  return {
    animation: false,
    aria: { enabled: false },
    grid: { left: 8, right: 12, top: 44, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, icon: "roundRect", itemWidth: 14, itemHeight: 4, textStyle: { color: c.ink },
      data: ["Observed", "Planner", "Model"] },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: c.panel, borderColor: c.line,
      textStyle: { color: c.ink },
      valueFormatter: (v) => (v === null || v === undefined ? "–" : Number(v).toPrecision(3) + " req/s") },
    xAxis: { type: "category", data: data.hours, ...axis, splitLine: { show: false } },
    yAxis: { type: "value", name: narrow ? "" : "requests per second", nameLocation: "end",
      nameTextStyle: { color: c.quiet, align: "left" }, ...axis, axisLine: { show: false } },
    series: [
      line("low", series.low, c.measured, invisible),
      line("band", width, c.measured, { ...invisible, areaStyle: { color: c.measured, opacity: 0.14 } }),
      line("Planner", series.planner, c.planner, { step: "middle", z: 4,
        lineStyle: { width: 2, type: "dashed", color: c.planner } }),
      line("Model", series.measured, c.measured, { z: 3 }),
      line("Observed", series.observed, c.observed, { z: 5 }),
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

drawChart();
