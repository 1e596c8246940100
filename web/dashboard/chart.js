const SVG = "http://www.w3.org/2000/svg";
const GAP_SECONDS = 10;

/* The line breaks where there is no value, and where samples lie far apart. */
function pathOf(points, span, top) {
  let path = "";
  let last = null;
  for (const { age, value } of points) {
    if (value === null) {
      last = null;
      continue;
    }
    const joined = last !== null && last - age <= GAP_SECONDS;
    path += `${joined ? "L" : "M"}${(span - age).toFixed(2)} ${(1 - value / top).toFixed(4)}`;
    last = age;
  }
  return path;
}

function add(svg, className, path) {
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("class", className);
  line.setAttribute("d", path);
  svg.append(line);
}

/* Draws lines {className, points: [{age, value}]} of the last `span` seconds, scaled to 0 … top. */
export function drawChart(svg, lines, span, top) {
  svg.setAttribute("viewBox", `0 0 ${span} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.replaceChildren();
  add(svg, "grid-line", `M0 0.5L${span} 0.5`);
  for (const { className, points } of lines) {
    add(svg, className, pathOf(points, span, top));
  }
}

/* The next of 1, 2, 5, 10, 20, … at or above the largest value. */
export function roundTop(lines) {
  const largest = Math.max(1, ...lines.flatMap(({ points }) => points.map(({ value }) => value)));
  const power = 10 ** Math.floor(Math.log10(largest));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= largest);
}
