"use strict";
{
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = document.getElementById("chart");
  const INK = "#23282b", QUIET = "#667074", RULE = "#e3e1da";
  const GPUS_AT_FIRST = 100, GPUS_EASILY_SEEN = 16;
  const LEFT = 76, RIGHT = 52, LEGEND = data.groups.length > 5 ? 72 : 46, QUEUES = 150, HOLD = 90, BETWEEN = 58;
  const shown = Math.min(data.gpus, GPUS_AT_FIRST);
  const gantt = Math.min(640, Math.max(160, shown * 22));
  const queuesTop = LEGEND + gantt + BETWEEN, holdTop = queuesTop + QUEUES + BETWEEN;
  const height = holdTop + HOLD + 104;
  element.style.height = height + "px";

  const seconds = (value) => value.toFixed(6).replace(/\.?0+$/, "") + " s";
  const safe = echarts.format.encodeHTML;

  function rectangle(params, api) {
    const from = api.coord([api.value(0), api.value(2)]);
    const to = api.coord([api.value(1), api.value(2)]);
    const band = api.size([0, 1])[1];
    const thick = Math.max(1, band * 0.78);
    const shape = echarts.graphic.clipRectByRect(
      { x: from[0], y: from[1] - thick / 2, width: Math.max(0.5, to[0] - from[0]), height: thick },
      params.coordSys,
    );
    if (!shape) return null;
    const edge = shape.width > 3 && thick > 3 ? 1 : 0;
    return { type: "rect", shape, style: { fill: api.visual("color"), stroke: "#ffffff", lineWidth: edge } };
  }

  const slider = {
    type: "slider", filterMode: "weakFilter", showDataShadow: false, brushSelect: false, moveHandleSize: 0,
    borderColor: RULE, backgroundColor: "#faf9f6", fillerColor: "rgba(47, 111, 115, 0.14)",
    handleStyle: { color: "#ffffff", borderColor: "#2f6f73" }, textStyle: { color: QUIET },
  };
  const zoomed = [
    { type: "inside", xAxisIndex: [0, 1, 2], filterMode: "weakFilter" },
    { ...slider, xAxisIndex: [0, 1, 2], bottom: 14, height: 20, left: LEFT, right: RIGHT,
      labelFormatter: (value) => seconds(Number(value)) },
  ];
  if (data.gpus > GPUS_EASILY_SEEN) {
    zoomed.push({ ...slider, yAxisIndex: 0, right: 14, width: 16, top: LEGEND, height: gantt, showDetail: false,
      startValue: 0, endValue: shown - 1 });
  }

  const time = (gridIndex, labelled) => ({
    type: "value", gridIndex, min: data.from_s, max: data.to_s,
    name: labelled ? "time of the run, s" : "", nameLocation: "middle", nameGap: 30,
    nameTextStyle: { color: QUIET },
    axisLine: { lineStyle: { color: RULE } }, axisTick: { show: false },
    axisLabel: { color: QUIET, hideOverlap: true, formatter: (value) => String(Number(value.toFixed(6))) },
    splitLine: { lineStyle: { color: RULE, opacity: 0.6 } },
    axisPointer: { show: true, snap: false, label: { show: false }, lineStyle: { color: QUIET, type: "dotted" } },
  });
  const up = (gridIndex, name, more) => ({
    gridIndex, name, nameLocation: "middle", nameGap: 50, nameTextStyle: { color: QUIET },
    axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: QUIET, hideOverlap: true },
    splitLine: { lineStyle: { color: RULE, opacity: 0.6 } }, ...more,
  });
  const gpus = Array.from({ length: data.gpus }, (_, gpu) => String(gpu));
  const batches = data.groups.map((group) => ({
    id: "batches " + group.name, name: group.name, type: "custom", renderItem: rectangle, color: group.colour,
    xAxisIndex: 0, yAxisIndex: 0, encode: { x: [0, 1], y: 2 }, data: group.batches, clip: true, animation: false,
    tooltip: {
      trigger: "item",
      formatter: ({ value, color }) =>
        `<b style="color:${color}">${safe(value[4])}</b><br>GPU ${value[2]}, batch of ${value[3]}<br>` +
        `${seconds(value[0])} to ${seconds(value[1])}<br>${((value[1] - value[0]) * 1000).toFixed(3)} ms`,
    },
  }));
  const line = (each, index, style) => ({
    id: "line " + index + each.name, name: each.name, type: "line", step: "end", showSymbol: false, color: each.colour,
    xAxisIndex: index, yAxisIndex: index, lineStyle: { width: 1.6 }, animation: false,
    data: each.values.map((value, i) => [data.sample_s[i], value]), ...style,
  });
  const queues = data.queues.map((each, i) => line(each, 1, i === 0 ? { areaStyle: { opacity: 0.06 } } : {}));

  const chart = echarts.init(element, null, { renderer: "canvas" });
  chart.setOption({
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: INK },
    animation: false,
    tooltip: { trigger: "axis", confine: true, order: "valueDesc", valueFormatter: (value) => String(value),
      axisPointer: { type: "line" } },
    axisPointer: { link: [{ xAxisIndex: "all" }] },
    legend: {
      type: "plain", top: 12, left: LEFT, right: RIGHT, icon: "roundRect", itemWidth: 14, itemHeight: 10,
      data: [...data.groups.map((group) => group.name), "all models"], textStyle: { color: INK },
    },
    grid: [
      { left: LEFT, right: RIGHT, top: LEGEND, height: gantt },
      { left: LEFT, right: RIGHT, top: queuesTop, height: QUEUES },
      { left: LEFT, right: RIGHT, top: holdTop, height: HOLD },
    ],
    xAxis: [time(0, false), time(1, false), time(2, true)],
    yAxis: [
      up(0, "GPU", { type: "category", data: gpus, inverse: true, splitLine: { show: false } }),
      up(1, "waiting requests", { type: "value", min: 0, minInterval: 1 }),
      up(2, "hold factor", { type: "value", min: 0, max: 1, interval: 0.5 }),
    ],
    dataZoom: zoomed,
    series: [...batches, ...queues, line(data.hold_factor, 2, {})],
  });
  window.addEventListener("resize", () => chart.resize());
}
