// Talks to the app: JSON in, JSON out, and one kind of error.  Used by all pages.
//
//   import { call, Problem } from "/static/api.js";
//   const answer = await call("POST", "/api/labelling/next");
//   await call("PUT", `/api/thing/${id}`, { version: 3 });    // throws Problem for any other status

export class Problem extends Error {
  // status: of the response; 0 where none came, because the connection is lost or took too long.
  // title: a sentence for the person; detail: what to do next, may be empty.
  // wait: seconds after which to try again, where the answer said so, else 0.
  constructor(status, title, detail = "", wait = 0) {
    super(title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.wait = wait;
  }

  // Whether the same request may succeed later: no answer, a busy server, or too many requests.
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

let ahead = 0; // milliseconds by which the server's clock is ahead of this one, known to a second

// Time by the server's clock, in milliseconds as Date.now() gives it.
export const serverTime = () => Date.now() + ahead;

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

// Sends a request and returns the JSON of its answer, or null for an empty one.
// seconds: how long to wait; keepalive: let it end even if the page is left.
export async function call(method, path, body, { seconds = 20, keepalive = false } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = token();
  let response, text;
  try {
    response = await fetch(path, {
      method,
      headers,
      keepalive,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(seconds * 1000),
    });
    text = await response.text();
    const said = Date.parse(response.headers.get("Date") ?? "");
    if (said && Math.abs(said - serverTime()) > 2000) ahead = said - Date.now();
  } catch {
    throw new Problem(0, "The server cannot be reached.", "Check your connection.");
  }
  const answer = parsed(text);
  if (response.ok && answer !== undefined) return answer;
  throw new Problem(
    response.ok ? 502 : response.status,
    answer?.title ?? `The server answered ${response.status}.`,
    answer?.detail ?? "",
    Number(response.headers.get("Retry-After")) || 0,
  );
}

function parsed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a proxy's page, for instance
  }
}
