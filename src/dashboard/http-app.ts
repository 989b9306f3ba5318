/**
 * Answers requests to the server's HTTP port: health, metrics, API, events, page. Loaded at the first request.
 * Called by the room `server`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { createApi } from "./api.js";
import { EventStreams } from "./event-streams.js";
import type { Metrics } from "./metrics.js";
import type { ObservedServer } from "./observed-server.js";
import { findPageFile } from "./page-files.js";
import { checkChange, checkHost, SECURITY_HEADERS, securityHeaders } from "./request-checks.js";
import { BadRequest } from "./task-names.js";

export interface HttpApp {
  /** A request listener of node:http; never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends what is open. */
  close(): void;
}

/**
 * @param listenHost what the port was told to listen on
 * @param logError is told of bugs
 */
export function createHttpApp(
  server: ObservedServer,
  listenHost: string,
  logError: (error: unknown, what: string) => void,
): HttpApp {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const streams = new EventStreams(server);
  let metrics: Promise<Metrics> | undefined;
  app.use(securityHeaders);
  app.use(checkHost(listenHost));
  app.use(checkChange);
  app.get("/health", (context) =>
    server.isStopping
      ? context.json({ status: "stopping" }, 503)
      : context.json({ status: "ok", workers: server.workers.size }),
  );
  app.get("/metrics", async (context) => {
    metrics ??= import("./metrics.js").then((module) => new module.Metrics(server));
    const { contentType, text } = await metrics.then(async (made) => ({
      contentType: made.contentType,
      text: await made.read(),
    }));
    return context.body(text, 200, { "Content-Type": contentType });
  });
  app.get("/api/v1/events", (context) => {
    if (streams.isFull) {
      return context.json({ error: "too many look already; close a page that is not needed" }, 503);
    }
    streams.add(context.env.outgoing as ServerResponse, SECURITY_HEADERS);
    return RESPONSE_ALREADY_SENT;
  });
  app.route("/api/v1", createApi(server));
  app.get("*", async (context) => {
    const file = await findPageFile(context.req.path);
    if (file === undefined) return context.notFound();
    return context.body(file.body, 200, { "Content-Type": file.type });
  });
  app.notFound((context) => {
    const path = context.req.path.slice(0, 100);
    return context.json({ error: `there is no ${context.req.method} ${path}` }, 404);
  });
  app.onError((error, context) => {
    if (error instanceof BadRequest) return context.json({ error: error.message }, 400);
    logError(error, `${context.req.method} ${context.req.path.slice(0, 100)}`);
    return context.json({ error: "internal error of the server; its log has more" }, 500);
  });
  // Without the global Request and Response exchanged: who embeds a server may use his own.
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      // A Host header that is no host, say.
      const isWrong = error instanceof RequestError;
      if (!isWrong) logError(error, "a request");
      const text = isWrong ? "the request is malformed" : "internal error of the server";
      const headers = { ...SECURITY_HEADERS, "Content-Type": "application/json" };
      return new Response(JSON.stringify({ error: text }), {
        status: isWrong ? 400 : 500,
        headers,
      });
    },
  });
  return {
    handle: (request, response) => void listener(request, response),
    close: () => {
      streams.close();
      void metrics?.then((made) => made.end());
    },
  };
}
