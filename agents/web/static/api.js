// The API as the page asks it: documents, and live changes that come back by themselves.

const KEY = "renown-key";
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;

/** An answer that is a problem: `status` 0 when there was no answer at all. */
export class Trouble extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Keep the reader's key for this tab only. */
export function useKey(text) {
  sessionStorage.setItem(KEY, text);
}

/** The path of a user's document. */
export function pathOf(user, rest = "") {
  return `/v1/scores/${encodeURIComponent(user)}${rest}`;
}

/** The document at `path`; throws Trouble. */
export async function read(path) {
  const answer = await sent(path, {});
  return answer.json();
}

/** Call `told(name, document)` for every change until `signal`; comes back by itself after an interruption. */
export async function follow(query, told, signal) {
  let last = "";
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      const answer = await sent(`/v1/changes?${query}`, last ? { "Last-Event-ID": last } : {}, signal);
      for await (const event of events(answer.body)) {
        pause = FIRST_PAUSE_MS;
        last = event.id;
        told(event.name, JSON.parse(event.text));
      }
    } catch (error) {
      if (signal.aborted || error.status === 400 || error.status === 401) return;
    }
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

async function sent(path, headers, signal) {
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, { headers, signal });
  } catch (error) {
    throw new Trouble(0, "The server does not answer.");
  }
  if (answer.ok) return answer;
  let detail = answer.statusText;
  try {
    detail = (await answer.json()).detail;
  } catch (error) { /* something between us and the server answered in its own way */ }
  throw new Trouble(answer.status, detail);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s)));
      if (fields.data) yield { id: fields.id, name: fields.event, text: fields.data };
    }
  }
}
