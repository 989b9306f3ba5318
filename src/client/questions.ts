/** What clients ask of the cluster: status and explanations, answered as JSON, and that it writes a trace. */
import { resolve } from "node:path";
import { LoomError, messageOf, ProtocolError } from "../base/index.js";
import {
  type ClientRequestInit,
  ClientRequestType,
  type Explanation,
  encodeClientRequest,
} from "../protocol/index.js";
import { abortable, type WaitOptions } from "./abort.js";
import type { ClusterStatus } from "./cluster-status.js";
import { Future } from "./future.js";
import type { Session } from "./session.js";

const MAX_ID = 0x7fffffff;

export function askStatus(session: Session, options?: WaitOptions): Promise<ClusterStatus> {
  const request = { type: ClientRequestType.STATUS };
  return ask<ClusterStatus>(session, request, "status", "asking for the status", options);
}

/** @param task see `Client.explain` */
export async function askExplanation(
  session: Session,
  task: Future | number | string,
  options?: WaitOptions,
): Promise<Explanation> {
  const what = typeof task === "string" ? { query: task } : { id: ownId(session, task) };
  const request = { type: ClientRequestType.EXPLAIN, ...what };
  return ask<Explanation>(session, request, "explanation", "asking what a task waits for", options);
}

/** @param directory see `Client.setTrace` */
export async function askTrace(session: Session, directory: string | undefined): Promise<void> {
  // The empty name, of a variable that is not set, would be the current directory.
  if (directory !== undefined && (typeof directory !== "string" || directory === "")) {
    throw new LoomError(
      "usage",
      `the trace directory is ${JSON.stringify(directory)}; give the name of one, or undefined to end the trace`,
    );
  }
  const tracePath = directory === undefined ? "" : resolve(directory);
  session.checkOpen();
  const problems: string[] = [];
  session.onServerError = (message) => problems.push(message);
  try {
    session.send(encodeClientRequest({ type: ClientRequestType.TRACE, tracePath }));
    // TRACE has no answer; what comes before the answer to the next request is its error.
    await session.requestStats();
  } finally {
    session.onServerError = undefined;
  }
  if (problems.length > 0) throw new LoomError("usage", problems.join("; "));
}

function ownId(session: Session, task: Future | number): number {
  if (typeof task === "number") {
    if (Number.isInteger(task) && task >= 0 && task <= MAX_ID) return task;
    throw new LoomError("usage", `ids of tasks are integers from 0 to ${MAX_ID}, got ${task}`);
  }
  if (!(task instanceof Future)) {
    throw new LoomError(
      "usage",
      "explain takes a future, an id, or a text: ID, CLIENT:ID or a label",
    );
  }
  if (Future.sessionOf(task) === session) return task.id;
  throw new LoomError("usage", `the future with id ${task.id} is of another client; ask that one`);
}

async function ask<T>(
  session: Session,
  request: ClientRequestInit,
  name: string,
  doing: string,
  options: WaitOptions | undefined,
): Promise<T> {
  const { bytes } = await abortable(session.requestChunk(request), options?.signal, doing);
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  } catch (error) {
    throw new ProtocolError(`the server's ${name} is no JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
