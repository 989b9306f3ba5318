/** A server with an HTTP port in this process, for tests of what comes over the wire. */
import { connect } from "node:net";
import { Writable } from "node:stream";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { startServer } from "../../src/server/index.js";

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  /** Messages of errors and warnings. */
  readonly log: string[];
  close(): Promise<void>;
}

/** Closed at the end of the test. */
export async function startHttpServer(host = "127.0.0.1"): Promise<HttpServer> {
  const log: string[] = [];
  const lines = new Writable({
    write: (line, _encoding, done) => {
      log.push(JSON.parse(String(line)).msg);
      done();
    },
  });
  const logger = pino({ level: "warn" }, lines);
  const server = await startServer({ port: 0, logger, http: { port: 0, host } });
  onTestFinished(() => server.close());
  const url = server.dashboard ?? "";
  return { url, port: Number(new URL(url).port), log, close: () => server.close() };
}

/** Sends these bytes as they are; resolves with all that comes until the other side closes. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      answer += part;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    socket.write(text);
  });
}
