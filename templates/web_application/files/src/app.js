import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { Notes } from "./notes.js";

const BODY_BYTES_MAX = 10_000;
const PAGE = new URL("../public/index.html", import.meta.url);

/** The server, not yet listening; each has notes of its own. */
export function createApp(notes = new Notes()) {
  return createServer((request, response) => {
    answer(request, notes).then(
      ({ status = 200, type = "application/json", body }) => {
        response.writeHead(status, { "content-type": `${type}; charset=utf-8` });
        response.end(type === "application/json" ? JSON.stringify(body) : body);
      },
      (error) => {
        const status = error.status ?? 500;
        if (status === 500) console.error(error);
        response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
        response.end(JSON.stringify({ error: status === 500 ? "something went wrong" : error.message }));
      },
    );
  });
}

async function answer(request, notes) {
  const { pathname } = new URL(request.url, "http://localhost");
  switch (`${request.method} ${pathname}`) {
    case "GET /":
      return { type: "text/html", body: await readFile(PAGE, "utf8") };
    case "GET /api/notes":
      return { body: notes.list() };
    case "POST /api/notes":
      return { status: 201, body: notes.add((await jsonOf(request)).text) };
    default:
      throw Object.assign(new Error(`there is no ${pathname}`), { status: 404 });
  }
}

async function jsonOf(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw Object.assign(new Error("the body is too long"), { status: 413 });
  }
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw Object.assign(new Error("the body is no JSON"), { status: 400 });
  }
}
