/** What a worker can be told; who starts one: cli. */
import type { Logger } from "pino";
import type { LoadedExtension } from "../extensions/index.js";
import type { OfferedResource, ResourceShare } from "./detect-resources.js";

export interface WorkerOptions {
  serverHost: string;
  serverPort: number;
  /** Cores that tasks may hold. Default: all that this process may use. */
  cpus?: number;
  /**
   * What else they may hold; an amount of 0: none of it. Default: "mem" and "gpus" as
   * detected; what is given is not.
   */
  resources?: readonly OfferedResource[];
  /** Part of what is detected that is this worker's. Default: all. */
  share?: ResourceShare;
  /** The worker makes `worker-HOST-PORT/` in it. Default: the system's temporary folder. */
  workDir?: string;
  /** Pin programs to cores. Default true where it is possible; the log says when it is not. */
  pin?: boolean;
  /** Address to serve objects on. Default: the address of the connection to the server. */
  listen?: string;
  /** Port to serve objects on; 0 = any free one. Default 0. */
  port?: number;
  /**
   * Interpreter for Python functions; "none": they are not offered. Default: the environment variable
   * LOOM_PYTHON, else python3.
   */
  python?: string;
  /** Task types and data types that it gets from loadExtensions. Default: none. */
  extensions?: readonly LoadedExtension[];
  /** Finish every task at once without doing it: to measure the server. Default false. */
  zeroWork?: boolean;
  logger: Logger;
}

/** A worker that is registered with its server. */
export interface RunningWorker {
  /** "host:port" at which it serves objects. */
  readonly address: string;
  /** Resolves after close() or when the server said to stop; rejects when the server is lost. */
  readonly stopped: Promise<void>;
  /** Kills all programs, removes all files, closes all connections. */
  close(): Promise<void>;
}
