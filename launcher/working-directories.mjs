/**
 * The directories that programs work in, for launcher.mjs: filled, looked through for outputs,
 * removed. The reasons for the steps are in working_directories.py; this one uses no directory
 * again.
 */
import fs from "node:fs";
import os from "node:os";

/** Outcome of a task that fails because of its files. */
export const FAILED = 5;
/** Kinds of parts of a reply. */
export const INLINE = 0;
const MOVED = 1;
export const IN_PLACE = 2;

const MAX_INLINE_BYTES = 4096;
const MAX_REMOVED_ENTRIES = 64;
export const NOTHING = Buffer.alloc(0);

/** The task fails with this outcome and text. */
export class TaskFailure extends Error {
  constructor(outcome, text) {
    super(text);
    this.outcome = outcome;
  }
}

/** "ENOENT: no such file or directory, open '…'" → the part people read. */
export function system(error) {
  return /^E[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
}

export function inDirectory(file, directory) {
  return file.startsWith("/") ? file : `${directory}/${file}`;
}

export function makeDirectory(task) {
  if (!task.made) {
    fs.mkdirSync(task.directory);
    task.made = true;
  }
  for (const folder of task.folders) {
    fs.mkdirSync(`${task.directory}/${folder}`, { recursive: true });
  }
  for (const [name, target, size] of task.links) {
    try {
      checkSize(target, fs.statSync(target).size, size, name);
      fs.symlinkSync(target, `${task.directory}/${name}`);
    } catch (error) {
      if (error instanceof TaskFailure) throw error;
      throw new TaskFailure(
        FAILED,
        `Input '${name}': the file ${target} cannot be used: ${system(error)}`,
      );
    }
  }
  for (const [name, content] of task.files) {
    try {
      fs.writeFileSync(`${task.directory}/${name}`, content, { flag: "wx" });
    } catch (error) {
      throw new TaskFailure(FAILED, `Input '${name}' cannot be written: ${system(error)}`);
    }
  }
}

export function openStdin(task) {
  if (task.stdin === "") return fs.openSync(os.devNull, "r");
  const path = inDirectory(task.stdin, task.directory);
  let fd;
  try {
    fd = fs.openSync(path, "r");
  } catch (error) {
    throw new TaskFailure(
      FAILED,
      `Input '+in': the file ${task.stdin} cannot be used: ${system(error)}`,
    );
  }
  try {
    checkSize(task.stdin, fs.fstatSync(fd).size, task.stdinSize, "+in");
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  return fd;
}

function checkSize(target, size, expected, name) {
  if (expected !== "" && size !== Number(expected)) {
    throw new TaskFailure(
      FAILED,
      `Input '${name}': the file ${target} was changed: ${size} bytes now, ${expected} expected`,
    );
  }
}

export function readSmall(path, limit) {
  let fd;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    if (!fs.fstatSync(fd).isFile()) return NOTHING;
    const content = Buffer.alloc(limit);
    let size = 0;
    while (size < limit) {
      const more = fs.readSync(fd, content, size, limit - size, size);
      if (more === 0) break;
      size += more;
    }
    return content.subarray(0, size);
  } catch {
    return NOTHING;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/**
 * All of it; of more than `limit` bytes whole lines of the beginning and of the end, half of that each, and
 * between them how much is left out.
 */
export function readEnds(path, limit) {
  const content = readSmall(path, limit + 1);
  if (content.length <= limit) return content;
  const half = Math.floor(limit / 2);
  const end = Buffer.alloc(half);
  let size = 0;
  let fd;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    size = fs.fstatSync(fd).size;
    if (fs.readSync(fd, end, 0, half, size - half) < half) return content.subarray(0, limit);
  } catch {
    return content.subarray(0, limit);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
  const begin = content.subarray(0, half);
  const lineEnd = begin.lastIndexOf(10);
  const head = lineEnd >= 0 ? begin.subarray(0, lineEnd) : wholeCharacters(begin);
  const newline = end.indexOf(10);
  let start = newline >= 0 && newline < half - 1 ? newline + 1 : 0;
  while (start < 4 && (end[start] & 0xc0) === 0x80) start++; // the rest of a character
  const tail = end.subarray(start);
  const leftOut = size - head.length - tail.length;
  return Buffer.concat([head, Buffer.from(`\n[... ${leftOut} bytes left out ...]\n`), tail]);
}

/** Without the beginning of a character at its end (UTF-8). */
function wholeCharacters(text) {
  for (let back = 1; back <= Math.min(4, text.length); back++) {
    const byte = text[text.length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length <= back ? text : text.subarray(0, text.length - back);
  }
  return text;
}

/** Whether nothing is left for the worker to remove. */
export function clear(task) {
  if (task.keep || !task.made) return true;
  return remove(task.directory, MAX_REMOVED_ENTRIES) >= 0;
}

function remove(directory, budget) {
  try {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      budget -= 1;
      if (budget < 0) return -1;
      const path = `${directory}/${entry.name}`;
      if (entry.isDirectory()) {
        budget = remove(path, budget);
        if (budget < 0) return -1;
      } else {
        fs.unlinkSync(path);
      }
    }
    fs.rmdirSync(directory);
    return budget;
  } catch {
    return -1;
  }
}

export function collect(task) {
  const parts = task.outputs.map((name) => outputPart(task, name));
  const moved = [];
  for (const [i, [kind]] of parts.entries()) {
    if (kind !== MOVED) continue;
    const target = `${task.directory}.out${i}`;
    try {
      fs.renameSync(`${task.directory}/${task.outputs[i]}`, target);
      moved.push(target);
    } catch (error) {
      for (const path of moved) fs.unlinkSync(path);
      throw new TaskFailure(
        FAILED,
        `Output '${task.outputs[i]}' cannot be taken: ${system(error)}`,
      );
    }
  }
  return parts;
}

function outputPart(task, name) {
  const path = `${task.directory}/${name}`;
  let info;
  let own;
  try {
    info = fs.lstatSync(path);
    own = info.isFile() && info.nlink === 1 && !task.keep;
    if (info.isSymbolicLink()) info = fs.statSync(path);
    if (own && name.includes("/")) own = fs.realpathSync(path) === path;
    if (info.isFile() && info.size <= MAX_INLINE_BYTES) {
      fs.accessSync(path, fs.constants.R_OK);
      return [INLINE, readSmall(path, MAX_INLINE_BYTES)];
    }
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") {
      throw new TaskFailure(FAILED, `Output file '${name}' is missing`);
    }
    throw new TaskFailure(FAILED, `Output file '${name}' cannot be read: ${system(error)}`);
  }
  if (info.isDirectory()) {
    throw new TaskFailure(FAILED, `Output '${name}' is a directory, not a file`);
  }
  if (!info.isFile()) {
    throw new TaskFailure(FAILED, `Output '${name}' is not a regular file`);
  }
  return own ? [MOVED, NOTHING] : [IN_PLACE, NOTHING];
}
