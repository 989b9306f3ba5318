/**
 * Life of the process once it is loaded: the socket, how it ends, and errors that reach no call.
 * Called by main.ts.
 */
import { writeSync } from "node:fs";
import type { Socket } from "node:net";
import { ProtocolError } from "../base/index.js";
import { findCodeOwner } from "./code-files.js";
import { LogLevel } from "./context.js";
import { describeError, stackOf } from "./describe-error.js";
import type { SharedCode } from "./function-table.js";
import { Output } from "./output.js";
import { Session } from "./session.js";

/** Functions may replace it. */
const { exit } = process;
let isEnding = false;

/** Runs the calls that come from the socket until it ends. */
export function serve(socket: Socket): void {
  const output = new Output({
    write(frame) {
      socket.write(frame);
      return socket.writableLength === 0;
    },
  });
  const session = new Session(output);

  socket.on("data", (chunk) => {
    try {
      session.push(chunk);
    } catch (error) {
      if (error instanceof ProtocolError)
        end(1, `malformed data from the worker: ${error.message}`);
      end(1, describeError(error));
    }
  });
  socket.on("end", () => end(0));
  socket.on("error", (error) => end(1, `the socket to the worker failed: ${error.message}`));

  const lonely = (error: unknown) => reportLonely(error, session);
  process.on("uncaughtException", lonely);
  process.on("unhandledRejection", lonely);
  // An interrupt from a terminal reaches the worker too, which decides.
  process.on("SIGINT", () => {});
  process.on("exit", (code) => {
    if (isEnding) return;
    complain(`process.exit(${code}) was called by function ${namesOfRunning(session)}`);
    output.flush();
  });
}

function end(code: number, reason?: string): never {
  isEnding = true;
  if (reason !== undefined) complain(`function process: ${reason}`);
  return exit.call(process, code) as never;
}

/** Straight to standard error: nothing of it is lost when the process ends. */
function complain(text: string): void {
  try {
    writeSync(2, `${text}\n`);
  } catch {
    // Nobody reads it.
  }
}

function namesOfRunning(session: Session): string {
  const names =
    session
      .findRunner()
      ?.running()
      .map(({ entry }) => entry.name) ?? [];
  return names.length === 0 ? "(a call that was over)" : names.slice(0, 5).join(" or ");
}

/** An error that no function threw or returned. */
function reportLonely(error: unknown, session: Session): void {
  const origin = findCodeOwner(stackOf(error)) as SharedCode | undefined;
  const runner = session.findRunner();
  if (runner?.failPending(error, origin)) return;
  const text = `error in a callback or promise that no function waited for: ${describeError(error)}`;
  if (runner !== undefined && origin !== undefined && origin.lastSerial !== -1) {
    runner.log(origin.lastSerial, LogLevel.error, text);
  } else {
    complain(text);
  }
}
