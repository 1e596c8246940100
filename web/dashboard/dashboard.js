import { bindTokenForm, get, token } from "../api.js";
import { bytes, count, percent, rate } from "../format.js";
import { drawChart, roundTop } from "./chart.js";
import { Series, readsOf } from "./series.js";

const INTERVAL_MS = 1000;
const SPAN_S = 300;
const KINDS = ["hits", "misses", "bypasses"];
const COLUMNS = {
  hit_rate: "Hit rate",
  hits: "Hits",
  misses: "Misses",
  bypasses: "Bypasses",
  reads_rate: "Reads / s",
};

const series = new Series(SPAN_S);
const element = (id) => document.getElementById(id);

/* A text is set only where it changed, so that live regions speak once. */
function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

function setFigure(name, text, root = document) {
  setText(root.querySelector(`[data-figure="${name}"]`), text);
}

function setPill(id, state, text) {
  element(id).dataset.state = state;
  setText(element(id), text);
}

function showReads(metrics) {
  setFigure("hit_rate", percent(metrics.hit_rate));
  setFigure("hit_rate_minute", percent(series.hitRate(60)));
  for (const kind of KINDS) {
    setFigure(kind, count(metrics[kind]));
    setFigure(`${kind}_rate`, rate(series.rate((figures) => figures[kind])));
  }
}

function showCharts() {
  const hitRate = series.points((index) => series.hitRate(10, index));
  drawChart(element("rate-chart"), [{ className: "hits", points: hitRate }], SPAN_S, 1);

  const lines = KINDS.map((kind) => ({
    className: kind,
    points: series.points((index) => series.rate((figures) => figures[kind], 5.5, index)),
  }));
  const top = roundTop(lines);
  setFigure("reads_top", count(top));
  drawChart(element("reads-chart"), lines, SPAN_S, top);
}

function showRedis({ redis }) {
  setPill("redis-up", redis.up ? "good" : "bad", redis.up ? "up" : "down");
  element("redis-away").hidden = redis.up;
  setFigure("used_bytes", redis.up ? bytes(redis.used_bytes) : bytes(null));
  setFigure("max_bytes", redis.max_bytes > 0 ? bytes(redis.max_bytes) : "no limit");
  setFigure("evicted", redis.up ? count(redis.evicted) : count(null));
  setFigure("evicted_rate", rate(redis.up ? series.rate((f) => f.redis.evicted ?? 0) : null));

  const share = redis.up && redis.max_bytes > 0 ? (100 * redis.used_bytes) / redis.max_bytes : 0;
  element("memory-bar").style.setProperty("--share", `${Math.min(share, 100)}%`);
  element("memory-bar").setAttribute("aria-valuenow", Math.round(share));
}

/* A breaker is told for all processes: closed only where it is so in each. */
function breakerText({ breaker }) {
  const all = breaker.closed + breaker.half_open + breaker.open;
  if (breaker.open > 0) {
    return `open in ${count(breaker.open)} of ${count(all)} processes`;
  }
  return breaker.half_open > 0 ? "trying again" : "closed";
}

function pendingText(seconds) {
  return seconds > 0 ? `${count(Math.ceil(seconds * 1000))} ms` : "none";
}

function showRelay({ relay, servers, redis, sql_saved: saved }) {
  const all = relay.live_buckets === relay.buckets;
  setPill("relay-live", all ? "good" : "bad", all ? "vouched for" : "not vouched for");
  element("relay-away").hidden = all || !redis.up;
  setFigure("live_buckets", count(relay.live_buckets));
  setFigure("buckets", count(relay.buckets));
  setFigure("pending", pendingText(relay.pending_seconds));
  setFigure("sql_saved", count(saved));
  setFigure("sql_saved_rate", rate(series.rate((figures) => figures.sql_saved)));
  setFigure("redis_breaker", breakerText(servers.redis));
  setFigure("postgresql_breaker", breakerText(servers.postgresql));
}

function makeViewRow(view) {
  const row = document.createElement("tr");
  row.dataset.view = view;
  const head = document.createElement("th");
  head.scope = "row";
  const words = view.replaceAll("_", " ");
  head.textContent = words.charAt(0).toUpperCase() + words.slice(1);
  row.append(head);
  for (const [figure, label] of Object.entries(COLUMNS)) {
    Object.assign(row.insertCell().dataset, { figure, label });
  }
  return row;
}

function showViews({ views }) {
  const body = element("views");
  const names = Object.keys(views).sort();
  if (names.join() !== [...body.rows].map((row) => row.dataset.view).join()) {
    body.replaceChildren(...names.map(makeViewRow));
  }
  element("no-views").hidden = names.length > 0;
  for (const row of body.rows) {
    const view = views[row.dataset.view];
    const none = { hits: 0, misses: 0, bypasses: 0 };
    const reads = (figures) => readsOf(figures.views[row.dataset.view] ?? none);
    setFigure("hit_rate", percent(readsOf(view) > 0 ? view.hits / readsOf(view) : null), row);
    setFigure("reads_rate", rate(series.rate(reads)), row);
    for (const kind of KINDS) {
      setFigure(kind, count(view[kind]), row);
    }
  }
}

function denial(answer) {
  return token() === ""
    ? "These figures are for administrators: enter the token of one."
    : `The server refused your token. ${answer.message}`;
}

function showProblem(answer) {
  const denied = answer.state === "denied";
  const text = denied ? denial(answer) : `No live figures. ${answer.message}`;
  setPill("connection", "bad", denied ? "no access" : "stale connection");
  setText(element("problem"), text);
  element("problem").hidden = false;
  element("token-form").hidden = !denied;
  element("figures").dataset.stale = "";
  element("figures").hidden ||= denied;
}

function showMetrics(metrics) {
  series.add(performance.now() / 1000, metrics);
  setPill("connection", "good", "live");
  element("problem").hidden = true;
  element("token-form").hidden = true;
  delete element("figures").dataset.stale;
  element("figures").hidden = false;
  showReads(metrics);
  showCharts();
  showRedis(metrics);
  showRelay(metrics);
  showViews(metrics);
}

async function poll() {
  const answer = await get("/1/cache/metrics", { timeoutMs: 3000, fresh: true });
  if (answer.state === "ok") {
    showMetrics(answer.body);
  } else {
    showProblem(answer);
  }
}

bindTokenForm(element("token-form"), poll);
for (;;) {
  const next = performance.now() + INTERVAL_MS;
  await poll();
  await new Promise((resume) => setTimeout(resume, Math.max(0, next - performance.now())));
}
