// A worker over HTTP in plain JavaScript: node 18 or later, nothing installed.
//
//   CPDS_SERVER=http://localhost:8848 node worker.mjs
//
// CPDS_WORKER_TOKEN holds the token, where the server asks for one; MAX_TASKS ends it after so many.
const server = process.env.CPDS_SERVER ?? "http://localhost:8848";
const token = process.env.CPDS_WORKER_TOKEN;
const mostTasks = Number(process.env.MAX_TASKS ?? Infinity);
const heartbeatSeconds = Number(process.env.HEARTBEAT_SECONDS ?? 10);

// What this worker can do: a function for each kind of task, and one for all others.
const handlers = {
  async shout({ arguments: given }) {
    return { text: String(given.text).toUpperCase() };
  },
  async "*"(claim, { signal, progress, log }) {
    await log(["looking at it"]);
    for (let step = 1; step <= Number(claim.arguments.steps ?? 1); step += 1) {
      await pause(Number(claim.arguments.seconds ?? 0), signal);
      await progress(step / Number(claim.arguments.steps ?? 1), `step ${step}`);
    }
    return { said: claim.task.description || claim.task.name };
  },
};

const held = new Map(); // claim token -> AbortController
let stopping = false;
let leaving = false;
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => (stopping = true));

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

async function post(path, body = {}) {
  const answer = await fetch(`${server}/api/v1/workers${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(told.message ?? answer.statusText), { status: answer.status });
  return told.data ?? {};
}

async function perform(worker, claim) {
  const stop = new AbortController();
  held.set(claim.token, stop);
  const say = (act, body) => post(`/${worker}/claims/${claim.token}/${act}`, body);
  const tools = {
    signal: stop.signal,
    progress: (progress, message) => say("progress", { progress, message }),
    log: (lines) => say("logs", { lines }),
  };
  try {
    const output = await (handlers[claim.kind] ?? handlers["*"])(claim, tools);
    await say("complete", { output });
    console.log(`completed ${claim.task.id}`);
  } catch (error) {
    // 409: the claim is gone, and whatever is said of it changes nothing.
    if (stop.signal.aborted || error.status === 409) console.log(`gave up ${claim.task.id}`);
    else await say("fail", { message: String(error.message ?? error) }).catch(() => {});
  } finally {
    held.delete(claim.token);
  }
}

async function beat(worker) {
  // Until it leaves, and not only until it is told to: what it still holds is kept by this.
  while (await pause(heartbeatSeconds), !leaving) {
    try {
      const { stop } = await post(`/${worker}/heartbeat`, { claims: [...held.keys()] });
      for (const { token: gone, why } of stop) held.get(gone)?.abort(new Error(why));
    } catch (error) {
      console.error(`heartbeat: ${error.message}`);
    }
  }
}

const name = process.env.WORKER_NAME ?? `node-${process.pid}`;
const { id: worker } = await post("/register", { name, heartbeat_seconds: heartbeatSeconds });
console.log(`registered ${worker}`);
beat(worker);
for (let done = 0; done < mostTasks && !stopping; ) {
  try {
    const began = Date.now();
    const { claims } = await post(`/${worker}/claims`, { limit: 1, wait: 5 });
    for (const claim of claims) await perform(worker, claim);
    done += claims.length;
    if (!claims.length && Date.now() - began < 1000) await pause(2);
  } catch (error) {
    console.error(`claims: ${error.message}`);
    await pause(1 + Math.random());
  }
}
leaving = true;
await post(`/${worker}/leave`).catch(() => {});
process.exit(0);
