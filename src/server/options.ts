/** What a server can be told; who starts one: cli, local-cluster (through the cli). */
import type { Logger } from "pino";

export interface ServerOptions {
  /** TCP port for clients and workers; 0 = any free one. Default 9010. */
  port?: number;
  /** Address to listen on. Default "127.0.0.1". */
  listen?: string;
  /** A worker not heard of for this long is taken for dead. Default 30,000. */
  heartbeatTimeoutMs?: number;
  /** How often a task may be lost with its worker before it fails. Default 5. */
  maxLosses?: number;
  /** Directory to write a trace into from the start on. Default: none. */
  trace?: string;
  /** HTTP port for the dashboard, metrics and the API, 0 = any free one, and the address. Default: none. */
  http?: { readonly port: number; readonly host: string };
  logger: Logger;
}

/** A server that listens. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** "http://host:port" of the HTTP port, if it has one. */
  readonly dashboard: string | undefined;
  /** Resolves when the server has stopped, by close() or by a client's TERMINATE. */
  readonly stopped: Promise<void>;
  /** Tells the workers to stop, closes all connections. */
  close(): Promise<void>;
}
