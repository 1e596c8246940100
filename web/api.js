/* The API as the pages see it: every outcome of a GET is a state that a page can show. */

const TOKEN_KEY = "refrain.token";

/* The token lives in this tab only and is gone when the tab is closed. */
export function token() {
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

export function setToken(value) {
  if (value === "") {
    sessionStorage.removeItem(TOKEN_KEY);
  } else {
    sessionStorage.setItem(TOKEN_KEY, value);
  }
}

/* Lets a form that holds an input named "token" and a button .forget keep the token. */
export function bindTokenForm(form, changed) {
  const forget = form.querySelector(".forget");
  const use = (value) => {
    setToken(value);
    form.reset();
    forget.hidden = token() === "";
    changed();
  };
  forget.hidden = token() === "";
  forget.addEventListener("click", () => use(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    use(form.elements.token.value.trim());
  });
}

async function failure(response) {
  const body = await response.json().catch(() => ({}));
  return body.error ?? `The server answered with status ${response.status}.`;
}

/*
 * Resolves, never rejects, to {state, …}: "ok" with the parsed body and whether the cache had it,
 * "empty" (204), "denied" (401, 403), "missing" (404), or "failed" (no answer, or another error);
 * the latter three carry a message.
 */
export async function get(path, { timeoutMs = 10000, fresh = false } = {}) {
  try {
    const response = await fetch(path, {
      headers: token() === "" ? {} : { Authorization: `Token ${token()}` },
      cache: fresh ? "no-store" : "default",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 204) {
      return { state: "empty" };
    }
    if (response.ok) {
      const cached = /;\s*hit\b/.test(response.headers.get("Cache-Status") ?? "");
      return { state: "ok", body: await response.json(), cached };
    }
    const states = { 401: "denied", 403: "denied", 404: "missing" };
    return { state: states[response.status] ?? "failed", message: await failure(response) };
  } catch {
    return { state: "failed", message: "The server does not answer." };
  }
}
