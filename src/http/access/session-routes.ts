import { Hono } from "hono";
import { BatonError } from "../../base/errors.js";
import { defined } from "../../base/json.js";
import { iso } from "../../base/time.js";
import type { Env } from "../env.js";
import { refusal, refused } from "../problems.js";
import type { Admissions, Visitor } from "./admission.js";
import { endCookie, giveCookie, type SessionCookie } from "./session-cookie.js";
import { LINK_MINUTES, type SignInLink } from "./sign-in-link.js";

export interface SignInParts {
  readonly admissions: Admissions;
  readonly cookie: SessionCookie;
  /** Absent where no person was at the server's start. */
  readonly link?: SignInLink | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** `GET /?code=…`: the link that a server prints signs the browser in that follows it, and leads to the page. */
export function linkRoute({ admissions, cookie, link, now }: SignInParts): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get("/", async (context, next) => {
    const code = context.req.query("code");
    // Programs that only look at a link, as a chat does for its preview, do not follow it.
    if (code === undefined || context.req.method === "HEAD") return next();
    context.header("Cache-Control", "no-store");
    if (link === undefined || !link.opens(code, now()))
      return refused(context, {
        code: "not_permitted",
        status: 403,
        detail: `This link was followed before, or is over: it holds once, for ${LINK_MINUTES} minutes. A server that is started again prints another.`,
      });
    try {
      giveCookie(context, cookie, await admissions.signIn({ name: link.person }));
      return context.redirect("/", 303);
    } catch (error) {
      link.opensAgain();
      return refusal(context, error);
    }
  });
  return routes;
}

/** `/session`: who a caller is here; a person's token signs their browser in, and the browser signs out. */
export function sessionRoutes({ admissions, cookie }: SignInParts): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get("/session", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json(shown(context.get("visitor")));
  });
  routes.post("/session", async (context) => {
    try {
      const { by, access } = context.get("visitor");
      if (by !== "token" || access === undefined) throw new BatonError("not_permitted", TOKEN_NEEDED, {});
      giveCookie(context, cookie, await admissions.signIn({ name: access.name, token: access.id }));
      return context.json({ person: access.name }, 201);
    } catch (error) {
      return refusal(context, error);
    }
  });
  routes.delete("/session", async (context) => {
    try {
      const { by, access } = context.get("visitor");
      if (by === "browser" && access !== undefined) await admissions.signOut(access.id);
      endCookie(context, cookie);
      return context.body(null, 204);
    } catch (error) {
      return refusal(context, error);
    }
  });
  return routes;
}

const TOKEN_NEEDED =
  "A browser is signed in by a person's token: send it as Authorization: Bearer TOKEN. baton token create --role human makes one.";

/** A visitor as the page shows it. */
function shown({ by, access, expiresAt }: Visitor) {
  return {
    by,
    ...defined({
      role: access?.role,
      name: access?.name,
      agents: access?.agents ?? undefined,
      expires_at: typeof expiresAt === "number" ? iso(expiresAt) : undefined,
    }),
    is_person: access?.role === "human",
  };
}
