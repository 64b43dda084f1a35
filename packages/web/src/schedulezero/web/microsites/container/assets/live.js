// The live feed: one connection a document, however many pages it shows. It tells, on the document:
//   sz:live        {family, events}  what has happened
//   sz:resync      something may have been missed: read anew what is shown; also every ten seconds, since not all that
//                  pages show has an event, and where there is no connection at all
//   sz:connection  the connection has come or gone
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;
const POLL_MS = 10000;
const TOLD_EVERY_MS = 100;
const WANTED = ["execution.*", "schedule.*", "handler.*"];

let socket = null;
let state = "";
let pauseMs = FIRST_PAUSE_MS;
let reconnecting = 0;
const heard = new Map();

// Returns "live", "lost", or "" before the first attempt has ended.
export function connection() {
  return state;
}

function tell(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

function become(next) {
  if (state === next) return;
  state = next;
  tell("sz:connection");
}

function open() {
  clearTimeout(reconnecting);
  socket = new WebSocket(new URL("/ws", location.href.replace(/^http/, "ws")));
  socket.addEventListener("open", begin);
  socket.addEventListener("message", hear);
  socket.addEventListener("close", retry);
}

// Whatever happened since the page was made has not been told.
function begin() {
  pauseMs = FIRST_PAUSE_MS;
  socket.send(JSON.stringify({ subscribe: WANTED }));
  become("live");
  tell("sz:resync");
}

// Many pages that lose one server do not all come back at the same moment.
function retry() {
  become("lost");
  reconnecting = setTimeout(open, pauseMs * (0.5 + Math.random()));
  pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
}

function close() {
  clearTimeout(reconnecting);
  socket.removeEventListener("close", retry);
  socket.close();
}

function hear({ data }) {
  const message = JSON.parse(data);
  if (message.type === "gap") tell("sz:resync");
  if (!("seq" in message)) return;
  if (!heard.size) setTimeout(passOn, TOLD_EVERY_MS);
  const family = message.type.split(".", 1)[0];
  if (!heard.has(family)) heard.set(family, []);
  heard.get(family).push(message);
}

function passOn() {
  const told = Array.from(heard);
  heard.clear();
  for (const [family, events] of told) tell("sz:live", { family, events });
}

setInterval(() => document.hidden || tell("sz:resync"), POLL_MS);
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
addEventListener("online", () => socket.readyState === WebSocket.CLOSED && open());
open();
