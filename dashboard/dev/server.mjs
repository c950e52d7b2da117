/**
 * A pretended Telltale for working on the page alone: `npm run build && npm run mock`, then sign in
 * with anything. AGENTS and RATE (events/s) say how much happens. POST /dev/{drop,cut,expire,close}
 * makes trouble. The headers are those of the real server, the policy about scripts included.
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { Fleet } from "./fleet.mjs";
import { Log } from "./log.mjs";
import { Viewer } from "./viewer.mjs";

const PORT = Number(process.env.PORT ?? 8000);
const AGENTS = Number(process.env.AGENTS ?? 14);
const RATE = Number(process.env.RATE ?? 12);
const HISTORY = AGENTS ? 900 : 0;
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const POLICY =
  "default-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:";
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const log = new Log();
const fleet = new Fleet(log, AGENTS);
const viewers = new Set();
let sessions = new Set();
let refuseUntil = 0;

for (let i = HISTORY; i > 0; i--) fleet.play(1, new Date(Date.now() - i * 60).toISOString());

let owed = 0;
setInterval(() => {
  owed += RATE / 50;
  const count = Math.floor(owed);
  owed -= count;
  if (count) fleet.play(count);
}, 20);
setInterval(() => fleet.turn(), 5_000);

const trouble = {
  /** Drops the next `count` events of every viewer. */
  drop: (query) => {
    for (const viewer of viewers) viewer.dropping = Number(query.get("count") ?? 100);
  },
  /** Cuts every connection and lets nobody in for `seconds`. */
  cut: (query) => {
    refuseUntil = Date.now() + Number(query.get("seconds") ?? 0) * 1_000;
    for (const viewer of viewers) viewer.close();
  },
  /** Closes every connection with `code`. */
  close: (query) => {
    for (const viewer of viewers) viewer.close(Number(query.get("code")), "as asked");
  },
  /** Ends every session. */
  expire: () => {
    sessions = new Set();
    for (const viewer of viewers) viewer.close(4500, "session ended");
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const answer = (status, body, headers = {}) => {
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  if (url.pathname.startsWith("/dev/")) {
    trouble[url.pathname.slice(5)]?.(url.searchParams);
    return answer(204);
  }
  if (url.pathname.startsWith("/v1/")) return api(url.pathname, request, answer);
  const name = url.pathname === "/" ? "index.html" : normalize(url.pathname);
  try {
    const body = await readFile(join(DIST, name));
    response.writeHead(200, {
      "Content-Type": TYPES[extname(name)],
      "Content-Security-Policy": POLICY,
    });
    response.end(body);
  } catch {
    answer(404, { title: "Not found" });
  }
});

async function api(path, request, answer) {
  const me = (csrf_token) => ({
    user: { email: "admin@localhost" },
    role: "admin",
    project: { id: "demo", name: "Demo fleet" },
    csrf_token,
  });
  if (path === "/v1/auth/login") {
    const chunks = await request.toArray();
    const { password, ticket } = JSON.parse(Buffer.concat(chunks).toString());
    if (password === "wrong" || ticket === "used") {
      return answer(401, { code: "bad_credentials", title: "Unauthorized" });
    }
    const token = randomUUID();
    sessions.add(token);
    const cookie = `session=${token}; HttpOnly; SameSite=Lax; Path=/`;
    return answer(200, me(token), { "Set-Cookie": cookie });
  }
  const token = sessionOf(request);
  if (!token) return answer(401, { code: "not_signed_in", title: "Unauthorized" });
  if (path === "/v1/auth/me") return answer(200, me(token));
  if (path === "/v1/auth/logout") sessions.delete(token);
  return answer(204);
}

function sessionOf(request) {
  const token = /session=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
  return token && sessions.has(token) ? token : null;
}

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  if (!sessionOf(request) || Date.now() < refuseUntil) return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (ws) => {
    const viewer = new Viewer(ws, log, fleet);
    viewers.add(viewer);
    ws.on("close", () => viewers.delete(viewer));
  });
});
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
