/**
 * The server's HTTP port: for a browser, Prometheus, scripts. Owns listening and closing. What it answers is
 * the room dashboard's, which is loaded when the first request comes: a server that nobody looks at has
 * one listening socket more, and nothing else.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { LoomError } from "../base/index.js";
import type { HttpApp } from "../dashboard/index.js";
import { explainListenError, formatAddress } from "../transport/index.js";
import type { LoomServer } from "./loom-server.js";

/** Slow requests are given up: their headers, and all of them. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CHECK_INTERVAL_MS = 5_000;
const MAX_CONNECTIONS = 256;

export interface HttpPort {
  /** "http://127.0.0.1:4711": for people, so a name in place of "all networks". */
  readonly url: string;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Rejects with LoomError("connection") when it can't listen there. */
export async function openHttpPort(
  server: LoomServer,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpPort> {
  const answers = new LazyApp(server, host);
  const http = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    (request, response) => answers.handle(request, response),
  );
  http.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    http.once("error", (error) => {
      const target = formatAddress(host, port);
      const message = `cannot listen on ${target} for the dashboard: ${explainListenError(error)}`;
      reject(new LoomError("connection", message, { cause: error }));
    });
    http.listen({ host, port }, resolve);
  });
  http.removeAllListeners("error").on("error", (error) => {
    server.logger.warn(`a connection to the HTTP port was not accepted: ${error.message}`);
  });
  const name = /^(0\.0\.0\.0|::)$/.test(host) ? hostname() : host;
  return {
    url: `http://${formatAddress(name, (http.address() as AddressInfo).port)}`,
    close: async () => {
      if (!http.listening) return;
      await answers.close();
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    },
  };
}

class LazyApp {
  private app: Promise<HttpApp> | undefined;

  constructor(
    private readonly server: LoomServer,
    private readonly host: string,
  ) {}

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.app ??= this.load();
    this.app.then(
      (app) => app.handle(request, response),
      (error: unknown) => {
        this.app = undefined;
        this.server.logger.error({ err: error }, "the dashboard could not be loaded");
        response.writeHead(500).end();
      },
    );
  }

  private async load(): Promise<HttpApp> {
    const { createHttpApp } = await import("../dashboard/index.js");
    return createHttpApp(this.server, this.host, (error, what) => {
      this.server.logger.error({ err: error }, `internal error while answering ${what}`);
    });
  }

  async close(): Promise<void> {
    const app = await this.app?.catch(() => undefined);
    app?.close();
  }
}
