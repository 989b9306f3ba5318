/**
 * A function process that does what the config of each call says (docs/function-processes.md):
 * written from the protocol, sharing no code with the product.
 *
 *     echo           the inputs' bytes joined
 *     input N        object number N
 *     piece N I      piece I of it
 *     file SIZE      a file with that many bytes "f"
 *     short SIZE     the same, but it says one byte more
 *     array          an array of all inputs as inputs, and "x"
 *     value TYPE     a value with the inputs' bytes
 *     task TYPE ...  a task of this type whose inputs are the inputs; the rest is its config
 *     fail TEXT      FAILED
 *     log TEXT       a line at level 4, then ""
 *     exit N         ends, after a line on standard error
 *     kill           kills itself
 *     spin           never answers, whatever comes
 *     until-cancel   answers FAILED when it is cancelled
 *     note PATH      appends a line to the file, then ""
 *     garbage        sends something that is no record
 *     calls          number of calls since its start
 *     functions      numbers of the functions it knows
 *     pid
 *     held           what the last HOLD said; "nothing" for a light call or before the first
 */
import { appendFileSync, closeSync, openSync, readSync, writeFileSync } from "node:fs";
import net from "node:net";

const socket = new net.Socket({ fd: 3 });
const functions = new Map();
let held = "nothing";
const waiting = new Map();
let settings;
let calls = 0;
let fileNumber = 0;
let pending = Buffer.alloc(0);

const u8 = (n) => Buffer.from([n]);
const u32 = (n) => {
  const b = Buffer.alloc(4);
  b.writeUInt32LE(n);
  return b;
};
const u64 = (n) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(n));
  return b;
};
const bytes = (content) => {
  const b = Buffer.from(content);
  return Buffer.concat([u32(b.length), b]);
};
const send = (...parts) => {
  const body = Buffer.concat(parts);
  socket.write(Buffer.concat([u32(body.length), body]));
};
const result = (serial, ...parts) => send(u8(1), u32(serial), u32(5), ...parts);
const failed = (serial, text) => send(u8(2), u32(serial), u32(5), bytes(text));

class Reader {
  at = 0;
  numbered = [];
  constructor(b) {
    this.b = b;
  }
  u8() {
    return this.b[this.at++];
  }
  u32() {
    this.at += 4;
    return this.b.readUInt32LE(this.at - 4);
  }
  u64() {
    this.at += 8;
    return Number(this.b.readBigUInt64LE(this.at - 8));
  }
  bytes() {
    const n = this.u32();
    this.at += n;
    return Buffer.from(this.b.subarray(this.at - n, this.at));
  }
  object(counted = true) {
    const kind = this.u8();
    const object = { kind };
    if (counted) this.numbered.push(object);
    if (kind === 1) object.bytes = this.bytes();
    else if (kind === 2) {
      const path = this.bytes().toString();
      const offset = this.u64();
      const length = this.u64();
      object.path = path;
      object.bytes = Buffer.alloc(length);
      const fd = openSync(path, "r");
      for (let done = 0; done < length; )
        done += readSync(fd, object.bytes, done, length - done, offset + done);
      closeSync(fd);
    } else if (kind === 3) {
      object.elements = [];
      const count = this.u32();
      for (let i = 0; i < count; i++) object.elements.push(this.object());
      object.bytes = Buffer.concat(object.elements.map((e) => e.bytes));
    } else if (kind === 4) {
      object.bytes = this.object(false).bytes;
      const pieces = this.u32();
      object.boundaries = Array.from({ length: pieces + 1 }, () => this.u64());
    } else if (kind === 5) {
      object.type = this.bytes().toString();
      object.bytes = this.object(false).bytes;
    } else throw new Error(`object kind ${kind}`);
    return object;
  }
}

function call(serial, light, config, inputs) {
  calls++;
  const text = config.toString();
  const [command] = text.split(" ", 1);
  const rest = text.slice(command.length + 1);
  const all = Buffer.concat(inputs.map((input) => input.bytes));
  switch (command) {
    case "echo":
      return result(serial, u8(1), bytes(all));
    case "input":
      return result(serial, u8(6), u32(Number(rest)));
    case "piece": {
      const [n, i] = rest.split(" ").map(Number);
      return result(serial, u8(7), u32(n), u64(i));
    }
    case "file":
    case "short": {
      const path = `${settings.directories[0]}/f${process.pid}-${fileNumber++}`;
      writeFileSync(path, Buffer.alloc(Number(rest), "f"));
      const size = Number(rest) + (command === "short" ? 1 : 0);
      return result(serial, u8(2), bytes(path), u64(size));
    }
    case "array":
      return result(
        serial,
        u8(3),
        u32(inputs.length + 1),
        ...inputs.flatMap((_, i) => [u8(6), u32(i)]),
        u8(1),
        bytes("x"),
      );
    case "value":
      return result(serial, u8(5), bytes(rest), u8(1), bytes(all));
    case "task": {
      const [type] = rest.split(" ", 1);
      return result(
        serial,
        u8(9),
        bytes(type),
        bytes(rest.slice(type.length + 1)),
        u32(inputs.length),
        ...inputs.flatMap((_, i) => [u8(6), u32(i)]),
      );
    }
    case "fail":
      return failed(serial, rest);
    case "log":
      send(u8(3), u32(serial), u8(4), bytes(rest));
      return result(serial, u8(1), bytes(""));
    case "exit":
      console.error(`exit with ${rest} as asked`);
      process.exit(Number(rest));
      break;
    case "kill":
      process.kill(process.pid, "SIGKILL");
      break;
    case "spin":
      for (;;) {
        if (process.ppid === 1) process.exit();
      }
    case "until-cancel":
      waiting.set(serial, true);
      return;
    case "note":
      appendFileSync(rest, `${serial}\n`);
      return result(serial, u8(1), bytes(""));
    case "garbage":
      return send(u8(77));
    case "calls":
      return result(serial, u8(1), bytes(String(calls)));
    case "functions":
      return result(serial, u8(1), bytes([...functions.keys()].join()));
    case "held":
      return result(serial, u8(1), bytes(light ? "nothing" : held));
    case "pid":
      return result(serial, u8(1), bytes(String(process.pid)));
    default:
      return failed(serial, `unknown command ${command}`);
  }
}

function frame(body) {
  const reader = new Reader(body);
  while (reader.at < body.length) {
    const op = reader.u8();
    if (op === 0) settings = JSON.parse(reader.bytes().toString());
    else if (op === 1) functions.set(reader.u32(), reader.object());
    else if (op === 2) functions.delete(reader.u32());
    else if (op === 3) {
      const serial = reader.u32();
      reader.at += 8;
      const light = reader.u8() === 1;
      if (!functions.has(reader.u32())) throw new Error("the function is not defined");
      const config = reader.bytes();
      const count = reader.u32();
      reader.numbered = [];
      const inputs = Array.from({ length: count }, () => reader.object());
      call(serial, light, config, inputs);
    } else if (op === 4) {
      const serial = reader.u32();
      const reason = reader.u8();
      if (waiting.delete(serial)) failed(serial, `cancelled for reason ${reason}`);
    } else if (op === 5) held = reader.bytes().toString();
    else throw new Error(`op ${op}`);
  }
}

socket.on("data", (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE()) {
    const end = 4 + pending.readUInt32LE();
    const body = pending.subarray(4, end);
    pending = pending.subarray(end);
    frame(body);
  }
});
socket.on("end", () => process.exit());
const broken = process.argv[2];
if (broken === "unready") send(u8(0), bytes(JSON.stringify({ error: "it is out of order" })));
else if (broken === "dies") process.exit(9);
else send(u8(0), bytes(JSON.stringify({ language: "script", version: "1" })));
