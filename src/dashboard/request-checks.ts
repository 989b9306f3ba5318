/**
 * Who may ask: requests by names that are not this server's (DNS rebinding), and changes that another site's
 * page has made a browser ask for, are refused. Also the headers that all answers have. Used by http-app.ts.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";
import type { MiddlewareHandler } from "hono";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const WILDCARD = /^(0\.0\.0\.0|::)$/;

/** Scripts, styles and connections only of this server; no frame around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const SECURITY_HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** Puts the headers of all answers. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  for (const [name, value] of Object.entries(SECURITY_HEADERS))
    context.res.headers.set(name, value);
};

/**
 * Refuses other names than those of this machine's loopback, the one that the server listens by, and, if it
 * listens on all networks, addresses and this machine's name.
 * @param listenHost what the port was told to listen on
 */
export function checkHost(listenHost: string): MiddlewareHandler {
  const own = new Set([listenHost.toLowerCase()]);
  const isWildcard = WILDCARD.test(listenHost);
  if (isWildcard) {
    const name = hostname().toLowerCase();
    own.add(name).add(name.split(".")[0]);
  }
  return async (context, next) => {
    const name = nameOfHost(context.req.header("host"));
    const isOwn =
      name !== undefined &&
      (LOOPBACK.test(name) || own.has(name) || (isWildcard && isIP(name) !== 0));
    if (isOwn) return next();
    return context.json(
      { error: `this server does not go by the name ${JSON.stringify(name ?? "")}` },
      403,
    );
  };
}

/** The name without the port, which may be another one behind a tunnel. */
function nameOfHost(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s@]+))(?::\d{1,5})?$/.exec(header ?? "");
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** Changes only from pages of this server, or from programs that say so. */
export const checkChange: MiddlewareHandler = async (context, next) => {
  if (context.req.method === "GET" || context.req.method === "HEAD") return next();
  const origin = context.req.header("origin");
  const site = context.req.header("sec-fetch-site");
  const isForeign =
    (origin !== undefined && hostOf(origin) !== context.req.header("host")?.toLowerCase()) ||
    (site !== undefined && site !== "same-origin" && site !== "none");
  if (isForeign) return context.json({ error: "a page of another site asks for this" }, 403);
  const type = context.req.header("content-type") ?? "";
  const isMeant = context.req.header("x-loom") === "1" || /^application\/json\s*(;|$)/i.test(type);
  if (isMeant) return next();
  return context.json(
    { error: "send JSON with Content-Type: application/json, or the header X-Loom: 1" },
    415,
  );
};

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined; // "null", or no URL at all
  }
}
