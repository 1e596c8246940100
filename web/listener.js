import { bindTokenForm, get, token } from "./api.js";
import { count, date, dateTime } from "./format.js";

const COUNTS = [10, 50, 250, 1000];
const LISTENS_SHOWN = 15;

const lists = [
  { id: "artists", total: "total_artist_count", name: (entry) => entry.artist_name },
  {
    id: "releases",
    total: "total_release_count",
    name: (entry) => entry.release_name,
    by: (entry) => entry.artist_name,
  },
  {
    id: "recordings",
    total: "total_recording_count",
    name: (entry) => entry.track_name,
    by: (entry) => entry.artist_name,
  },
];

const query = new URLSearchParams(location.search);
const name = (query.get("name") ?? "").trim();
const ranges = [...document.querySelectorAll("[data-range]")];
const range = ranges.some((link) => link.dataset.range === query.get("range"))
  ? query.get("range")
  : "all_time";

const element = (id) => document.getElementById(id);

function make(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  made.dir = "auto";
  return made;
}

function showState(panel, text, failed = false) {
  const state = panel.querySelector(".state");
  state.textContent = text;
  state.classList.toggle("failed", failed);
}

/* What a panel says for an answer that holds nothing to list; null where there is something. */
function excuse(answer, nothing) {
  return {
    ok: null,
    empty: nothing,
    denied: "Not shown to you.",
    missing: "Not shown.",
    failed: `Could not be loaded. ${answer.message}`,
  }[answer.state];
}

function chartRow(list, entry, most) {
  const row = document.createElement("li");
  const bar = make("span", "bar", "");
  bar.style.setProperty("--share", `${(100 * entry.listen_count) / most}%`);
  row.append(make("span", "name", list.name(entry)));
  if (list.by) {
    row.append(make("span", "by", list.by(entry)));
  }
  row.append(make("span", "plays", count(entry.listen_count)), bar);
  return row;
}

function showWindow(payload) {
  const until = range === "all_time" ? "up to now" : `to ${date(payload.to_ts - 1)}`;
  element("window").textContent =
    range === "all_time" ? `Everything ${until}` : `${date(payload.from_ts)} ${until}`;
}

async function loadList(list, step = 0) {
  const panel = element(list.id);
  const more = panel.querySelector(".more");
  more.disabled = true;
  const answer = await get(
    `/1/stats/user/${encodeURIComponent(name)}/${list.id}?range=${range}&count=${COUNTS[step]}`,
  );
  more.disabled = false;
  const text = excuse(answer, "No listens in this range.");
  if (text !== null) {
    showState(panel, text, answer.state === "failed");
    return answer;
  }

  const payload = answer.body.payload;
  const entries = payload[list.id];
  const source = answer.cached ? "from the cache" : "computed just now";
  showState(panel, `${count(entries.length)} of ${count(payload[list.total])}, ${source}`);
  panel
    .querySelector("ol")
    .replaceChildren(
      ...entries.map((entry) => chartRow(list, entry, entries[0].listen_count)),
    );
  more.hidden = entries.length >= payload[list.total] || step + 1 >= COUNTS.length;
  more.onclick = () => loadList(list, step + 1);
  showWindow(payload);
  return answer;
}

function listenRow(listen) {
  const row = document.createElement("li");
  const what = document.createElement("div");
  const { track_name: track, artist_name: artist, release_name: release } = listen.track_metadata;
  what.append(
    make("div", "name", track),
    make("div", "by", release ? `${artist} – ${release}` : artist),
  );
  const when = make("time", "", dateTime(listen.listened_at));
  when.dateTime = new Date(listen.listened_at * 1000).toISOString();
  row.append(what, when);
  return row;
}

async function loadListens() {
  const panel = element("listens");
  const user = `/1/user/${encodeURIComponent(name)}`;
  const [answer, total] = await Promise.all([
    get(`${user}/listens?count=${LISTENS_SHOWN}`),
    get(`${user}/listen-count`),
  ]);
  const text = excuse(answer, "No listens yet.");
  if (text !== null) {
    showState(panel, text, answer.state === "failed");
    return;
  }

  const payload = answer.body.payload;
  showState(panel, payload.listens.length === 0 ? "No listens yet." : "");
  panel.querySelector("ol").replaceChildren(...payload.listens.map(listenRow));
  if (total.state === "ok" && payload.oldest_listen_ts > 0) {
    const listens = total.body.payload.count;
    const noun = listens === 1 ? "listen" : "listens";
    element("summary").textContent =
      `${count(listens)} ${noun} since ${date(payload.oldest_listen_ts)}`;
  }
}

function showNotice(answer) {
  const notice = element("notice");
  const hint = token() === "" ? "A private profile is shown to its owner, by token." : "";
  const texts = {
    missing: `There is no listener “${name}” that you may see. ${hint}`,
    denied: `The server did not accept your token. ${answer.message}`,
  };
  const text = texts[answer.state];
  notice.hidden = text === undefined;
  notice.textContent = text ?? "";
  element("profile").hidden = text !== undefined;
  if (text !== undefined) {
    element("own").open = true;
  }
}

async function load() {
  if (name === "") {
    return;
  }
  loadListens();
  const answers = await Promise.all(lists.map((list) => loadList(list)));
  showNotice(answers[0]);
}

function linkRanges() {
  for (const link of ranges) {
    link.href = `?${new URLSearchParams({ name, range: link.dataset.range })}`;
    if (link.dataset.range === range) {
      link.setAttribute("aria-current", "page");
    }
  }
}

if (name !== "") {
  document.title = `${name} – Refrain`;
  element("title").textContent = name;
  element("name").value = name;
  element("profile").hidden = false;
  linkRanges();
}
bindTokenForm(element("token-form"), load);
load();
