/**
 * The same as launcher.py, in Node: used where no Python is, and slower. Starts programs for
 * a HyperLoom worker from a small process of its own. The frames are described in
 * src/executors/program/launch-protocol.ts, the reasons for the steps in launcher.py.
 * It can't pin programs to cores.
 */
import { isUtf8 } from "node:buffer";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { delimiter } from "node:path";
import {
  clear,
  collect,
  FAILED,
  IN_PLACE,
  INLINE,
  inDirectory,
  makeDirectory,
  NOTHING,
  openStdin,
  readEnds,
  system,
  TaskFailure,
} from "./working-directories.mjs";

const [CONFIGURE, RUN, KILL] = [1, 2, 3];
const [READY, STARTED, ENDED] = [0, 1, 2];
const [MAKE_DIRECTORY, KEEP_DIRECTORY] = [1, 2];
const [SUCCEEDED, EXITED, SIGNALLED, TIMED_OUT, NOT_STARTED] = [0, 1, 2, 3, 4];

const RUN_HEADER_BYTES = 38;
const MAX_STDERR_BYTES = 128 * 1024;

let baseEnv = {};
/** Tasks that run, by id. */
const running = new Map();
/** Tasks not started yet, by id, in order. */
const waiting = new Map();

function decodeTask(frame) {
  const flags = frame[1];
  const numbers = [];
  for (let at = 2; at < RUN_HEADER_BYTES; at += 4) numbers.push(frame.readUInt32LE(at));
  const [id, timeLimitMs, textLength, nArgs, nEnv, nFolders, nLinks, nFiles, nOutputs] = numbers;
  let end = RUN_HEADER_BYTES + textLength;
  const text = frame.toString("utf8", RUN_HEADER_BYTES, end).split("\0");
  let at = 0;
  const take = (n) => {
    at += n;
    return text.slice(at - n, at);
  };
  const [directory, stdin, stdinSize, , success] = take(5);
  const args = take(nArgs);
  const env = take(nEnv);
  const folders = take(nFolders);
  const links = Array.from({ length: nLinks }, () => take(3));
  const files = Array.from({ length: nFiles }, () => {
    const [name, size] = take(2);
    const start = end;
    end += Number(size);
    return [name, frame.subarray(start, end)];
  });
  return {
    id,
    directory,
    stdin,
    stdinSize,
    args,
    env,
    folders,
    links,
    files,
    outputs: take(nOutputs),
    made: (flags & MAKE_DIRECTORY) === 0,
    keep: (flags & KEEP_DIRECTORY) !== 0,
    timeLimitMs,
    success: success === "" ? [0] : success.split(",").map(Number),
    pid: 0,
    timer: undefined,
    timedOut: false,
  };
}

// Replies.

let output = [];

function reply(frame) {
  if (output.length === 0) setImmediate(flush);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(frame.length);
  output.push(length, frame);
}

function flush() {
  const data = Buffer.concat(output);
  output = [];
  process.stdout.write(data);
}

function replyStarted(task) {
  const frame = Buffer.alloc(9);
  frame[0] = STARTED;
  frame.writeUInt32LE(task.id, 1);
  frame.writeUInt32LE(task.pid, 5);
  reply(frame);
}

function replyEnded(task, outcome, detail, parts, remains) {
  const header = Buffer.alloc(15);
  header[0] = ENDED;
  header.writeUInt32LE(task.id, 1);
  header[5] = outcome;
  header[6] = remains ? 1 : 0;
  header.writeInt32LE(detail, 7);
  header.writeUInt32LE(parts.length, 11);
  const pieces = [header];
  for (const [kind, content] of parts) {
    const part = Buffer.alloc(5);
    part[0] = kind;
    part.writeUInt32LE(content.length, 1);
    pieces.push(part, content);
  }
  reply(Buffer.concat(pieces));
}

// Starting.

function isExecutable(path) {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return !fs.statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function findProgram(program, path, directory) {
  if (program.includes("/")) return program;
  const candidates = path
    .split(delimiter)
    .map((folder) => inDirectory(`${folder || "."}/${program}`, directory));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  const denied = candidates.some((file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile());
  throw new TaskFailure(
    NOT_STARTED,
    denied ? `found in PATH but not executable (PATH is ${path})` : `not found in PATH (${path})`,
  );
}

function start(task) {
  const fds = [];
  let program;
  let child;
  try {
    makeDirectory(task);
    fds.push(openStdin(task));
    fds.push(fs.openSync(`${task.directory}/+out`, "w"));
    fds.push(fs.openSync(`${task.directory}/+err`, "w"));
    const env = environment(task);
    program = findProgram(task.args[0], env.PATH ?? "/bin:/usr/bin", task.directory);
    const options = { argv0: task.args[0], cwd: task.directory, env, stdio: fds, detached: true };
    child = spawn(program, task.args.slice(1), options);
  } catch (error) {
    if (error instanceof TaskFailure) fail(task, error);
    else if (child !== undefined || program !== undefined) {
      fail(task, new TaskFailure(NOT_STARTED, explain(error, program, task)));
    } else {
      const text = `Working directory ${task.directory} cannot be prepared: ${system(error)}`;
      fail(task, new TaskFailure(FAILED, text));
    }
    return;
  } finally {
    for (const fd of fds) fs.closeSync(fd);
  }
  if (child.pid === undefined) {
    // Node says why a little later.
    child.on("error", (error) =>
      fail(task, new TaskFailure(NOT_STARTED, explain(error, program, task))),
    );
    return;
  }
  task.pid = child.pid;
  running.set(task.id, task);
  if (task.timeLimitMs > 0) startTimer(task, performance.now() + task.timeLimitMs);
  replyStarted(task);
  child.on("exit", (status, signal) => {
    clearTimeout(task.timer);
    running.delete(task.id);
    killGroup(task.pid);
    finish(task, status, signal);
  });
}

function environment(task) {
  const env = { ...baseEnv };
  for (const entry of task.env) {
    const at = entry.indexOf("=");
    env[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return env;
}

/** In steps, as a timer of more than 2^31 ms would fire at once. */
function startTimer(task, deadline) {
  const rest = deadline - performance.now();
  if (rest > 0) {
    task.timer = setTimeout(startTimer, Math.min(Math.ceil(rest), 0x7fffffff), task, deadline);
  } else {
    task.timedOut = true;
    killGroup(task.pid);
  }
}

function explain(error, program, task) {
  const texts = {
    ENOENT: "No such file or directory",
    EACCES: "Permission denied",
    E2BIG: "Argument list too long",
    EAGAIN: "Resource temporarily unavailable",
    ENOMEM: "Cannot allocate memory",
  };
  if (error.code === "ENOENT" && fs.existsSync(inDirectory(program, task.directory))) {
    return "the interpreter that it needs does not exist";
  }
  return texts[error.code] ?? error.message;
}

// Ending.

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

function finish(task, status, signal) {
  let outcome = EXITED;
  let detail = status ?? 0;
  if (task.timedOut) {
    outcome = TIMED_OUT;
    detail = 0;
  } else if (signal !== null) {
    outcome = SIGNALLED;
    detail = os.constants.signals[signal] ?? 0;
  } else if (task.success.includes(status)) {
    try {
      const parts = collect(task);
      const remains = parts.some(([kind]) => kind === IN_PLACE) || !clear(task);
      replyEnded(task, SUCCEEDED, status, parts, remains);
    } catch (error) {
      if (!(error instanceof TaskFailure)) throw error;
      fail(task, error);
    }
    return;
  }
  const stderr = readEnds(`${task.directory}/+err`, MAX_STDERR_BYTES);
  replyEnded(task, outcome, detail, [[INLINE, stderr]], !clear(task));
}

function fail(task, failure) {
  replyEnded(task, failure.outcome, 0, [[INLINE, Buffer.from(failure.message)]], !clear(task));
}

// Requests.

function request(frame) {
  const kind = frame[0];
  if (kind === RUN) {
    const task = decodeTask(frame);
    if (!isUtf8(frame.subarray(RUN_HEADER_BYTES, RUN_HEADER_BYTES + frame.readUInt32LE(10)))) {
      const text = "An argument is not UTF-8 text: the worker needs Python 3.8 to pass it";
      fail(task, new TaskFailure(FAILED, text));
      return;
    }
    if (waiting.size === 0) setImmediate(startSome);
    waiting.set(task.id, task);
  } else if (kind === KILL) {
    const id = frame.readUInt32LE(1);
    if (running.has(id)) {
      killGroup(running.get(id).pid);
    } else if (waiting.has(id)) {
      const task = waiting.get(id);
      waiting.delete(id);
      replyEnded(task, SIGNALLED, 9, [[INLINE, NOTHING]], !clear(task));
    }
  } else if (kind === CONFIGURE) {
    baseEnv = {};
    for (const entry of frame.toString("utf8", 1).split("\0")) {
      const at = entry.indexOf("=");
      if (at >= 0) baseEnv[entry.slice(0, at)] = entry.slice(at + 1);
    }
  }
}

/** A few at a time, so that ends and kills are seen in between. */
function startSome() {
  for (let n = 0; n < 8 && waiting.size > 0; n++) {
    const task = waiting.values().next().value;
    waiting.delete(task.id);
    start(task);
  }
  if (waiting.size > 0) setImmediate(startSome);
}

function stop() {
  for (const task of running.values()) killGroup(task.pid);
  // What a worker that was killed could not remove itself.
  for (const path of process.argv.slice(2)) fs.rmSync(path, { recursive: true, force: true });
  process.exit(0);
}

let pending = NOTHING;
process.stdin.on("data", (chunk) => {
  pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
  let at = 0;
  while (pending.length - at >= 4) {
    const end = at + 4 + pending.readUInt32LE(at);
    if (pending.length < end) break;
    request(pending.subarray(at + 4, end));
    at = end;
  }
  pending = pending.subarray(at);
});
process.stdin.on("end", stop);
process.stdin.on("error", stop);
process.stdout.on("error", stop);
process.on("uncaughtException", (error) => {
  console.error(error);
  for (const task of running.values()) killGroup(task.pid);
  process.exit(1);
});

const ready = Buffer.from(" the Node helper cannot pin programs to cores");
ready[0] = READY;
reply(ready);
