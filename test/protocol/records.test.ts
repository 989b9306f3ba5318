/** Records between server and worker, both directions. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  InputPlace,
  readWorkerToServer,
  type ServerToWorkerHandler,
  ServerToWorkerReader,
  ServerToWorkerWriter,
  type WorkerToServerHandler,
  WorkerToServerWriter,
} from "../../src/protocol/index.js";

type Call = readonly [name: string, ...values: unknown[]];

const u8 = fc.nat(255);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const size = fc.double({ noNaN: true });
const priority = fc.float({ noNaN: true });
const someBytes = fc.uint8Array({ maxLength: 100 });
const inlineBytes = fc.uint8Array({ maxLength: 64 });
const name = fc.string({ unit: fc.constantFrom(..."abc/-é."), minLength: 1, maxLength: 20 });

const anInput = fc.oneof(
  fc.record({ place: fc.constant(InputPlace.local), row: u32 }),
  fc.record({ place: fc.constant(InputPlace.inline), row: u32, bytes: inlineBytes }),
  fc.record({
    place: fc.constant(InputPlace.remote),
    row: u32,
    size,
    holders: fc.array(u16, { maxLength: 5 }),
  }),
);
const shortText = fc.string({ unit: "grapheme", maxLength: 20 });
const aRequest = fc.record({
  id: u16,
  cpus: u16,
  amounts: fc.array(
    fc.record({ name: shortText, amount: size, indices: fc.array(shortText, { maxLength: 4 }) }),
    { maxLength: 3 },
  ),
});
const anAssignment = fc
  .record({
    row: u32,
    attempt: u32,
    taskType: u16,
    request: u16,
    priority,
    config: someBytes,
    extras: fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined }),
    taskId: fc.nat(0x7fffffff),
    losses: u8,
    inputs: fc.array(anInput, { maxLength: 40 }),
  })
  // A light task's priority does not travel.
  .map((task) => (task.request === 0 ? { ...task, priority: 0 } : task));
type Assignment = typeof anAssignment extends fc.Arbitrary<infer T> ? T : never;

const call = (name: string, ...values: fc.Arbitrary<unknown>[]): fc.Arbitrary<Call> =>
  fc.tuple(fc.constant(name), ...values);

const toWorker = fc.oneof(
  { weight: 4, arbitrary: call("assign", anAssignment) },
  call("request", aRequest),
  call("prefetch", u32, size, fc.array(u16, { maxLength: 5 })),
  call("drop", u32),
  call("retract", u32, u32),
  call("cancel", u32, u32),
  call("peer", u16, name, u16),
  call("symbols", u16, fc.array(name, { maxLength: 4 })),
  call("ping", u32),
  call("readOutput", u32, u32, u32, u8, size, u32),
  call("observe", u8, fc.string({ unit: "grapheme" })),
  call("shutdown"),
);

const number = fc.double();
const aSample = fc.record({
  timeMs: number,
  workerCpu: number,
  taskCpu: number,
  workerRssBytes: number,
  taskRssBytes: number,
  freeMemoryBytes: number,
  totalMemoryBytes: number,
  storeBytes: number,
  sentBytes: number,
  receivedBytes: number,
  runningTasks: number,
});

const toServer = fc.oneof(
  call("finished", u32, u32, size, u32, fc.option(inlineBytes, { nil: undefined })),
  call("failed", u32, u32, someBytes),
  call("started", u32, u32),
  call("retracted", u32, u32),
  call("inputLost", u32, u32, u32, u16),
  call("fetched", u32, u32),
  call("memory", fc.double({ min: 0, noNaN: true })),
  call("sample", aSample),
  call("trace", fc.uint8Array({ maxLength: 100 })),
  call("pong", u32),
  call("output", u32, size, fc.boolean(), someBytes),
  call("log", u32, u32, fc.nat(255), fc.string({ unit: "grapheme" })),
);

/** Calls the writer's method of each call's name. */
function write(writer: ServerToWorkerWriter | WorkerToServerWriter, calls: readonly Call[]): void {
  for (const [method, ...values] of calls) {
    if (method === "assign")
      writeAssignment(writer as ServerToWorkerWriter, values[0] as Assignment);
    else (writer as unknown as Record<string, (...values: unknown[]) => void>)[method](...values);
  }
}

function writeAssignment(writer: ServerToWorkerWriter, task: Assignment): void {
  // The config lies somewhere in a larger buffer, as in a plan.
  const around = Uint8Array.of(1, 2, ...task.config, 3);
  const { row, attempt, taskType, request, priority, config, extras, inputs } = task;
  const { taskId, losses } = task;
  const { length } = config;
  const count = inputs.length;
  writer.assign(
    row,
    attempt,
    taskType,
    request,
    priority,
    count,
    around,
    2,
    length,
    extras,
    taskId,
    losses,
  );
  for (const input of inputs) {
    if ("bytes" in input) writer.inputInline(input.row, input.bytes, 0, input.bytes.length);
    else if ("holders" in input) writer.inputRemote(input.row, input.size, input.holders);
    else writer.inputLocal(input.row);
  }
}

function readToWorker(frame: Uint8Array): Call[] {
  const calls: Call[] = [];
  const record =
    (name: string) =>
    (...values: unknown[]) => {
      calls.push([name, ...values]);
    };
  const handler: ServerToWorkerHandler = {
    request: record("request"),
    prefetch: record("prefetch"),
    assign: (r) => {
      const inputs: Assignment["inputs"] = [];
      for (let i = 0; i < r.inputCount; i++) {
        const row = r.inputRow[i];
        const start = r.inputStart[i];
        if (r.inputPlace[i] === InputPlace.local) inputs.push({ place: InputPlace.local, row });
        else if (r.inputPlace[i] === InputPlace.inline) {
          const bytes = r.frame.slice(start, start + r.inputLength[i]);
          inputs.push({ place: InputPlace.inline, row, bytes });
        } else {
          inputs.push({
            place: InputPlace.remote,
            row,
            size: r.inputSize[i],
            holders: r.holders(i),
          });
        }
      }
      const { row, attempt, taskType, request, priority, taskId, losses } = r;
      const config = r.frame.slice(r.configStart, r.configStart + r.configLength);
      const extras =
        r.extrasLength === 0
          ? undefined
          : r.frame.slice(r.extrasStart, r.extrasStart + r.extrasLength);
      calls.push([
        "assign",
        { row, attempt, taskType, request, priority, config, extras, taskId, losses, inputs },
      ]);
    },
    drop: record("drop"),
    retract: record("retract"),
    cancel: record("cancel"),
    peer: record("peer"),
    symbols: record("symbols"),
    ping: record("ping"),
    readOutput: record("readOutput"),
    observe: record("observe"),
    shutdown: record("shutdown"),
  };
  new ServerToWorkerReader(handler).read(frame);
  return calls;
}

function readToServer(frame: Uint8Array): Call[] {
  const calls: Call[] = [];
  const record =
    (name: string) =>
    (...values: unknown[]) => {
      // Bytes are views of the frame; plain ones compare more simply.
      calls.push([name, ...values.map((v) => (v instanceof Uint8Array ? v.slice() : v))]);
    };
  const handler: WorkerToServerHandler = {
    finished: (row, attempt, sizeBytes, durationUs, bytes, start, length) => {
      const inline = length < 0 ? undefined : bytes.slice(start, start + length);
      calls.push(["finished", row, attempt, sizeBytes, durationUs, inline]);
    },
    failed: record("failed"),
    started: record("started"),
    retracted: record("retracted"),
    inputLost: record("inputLost"),
    fetched: record("fetched"),
    memory: record("memory"),
    sample: record("sample"),
    trace: record("trace"),
    pong: record("pong"),
    output: record("output"),
    log: record("log"),
  };
  readWorkerToServer(frame, handler);
  return calls;
}

describe.each([
  ["server to worker", toWorker, () => new ServerToWorkerWriter(), readToWorker],
  ["worker to server", toServer, () => new WorkerToServerWriter(), readToServer],
] as const)("%s", (_, aCall, newWriter, read) => {
  const calls = fc.array(aCall, { minLength: 1, maxLength: 12 });

  it("records come back as they were written, batch after batch, at any offset", () => {
    fc.assert(
      fc.property(calls, calls, (first, second) => {
        const writer = newWriter();
        write(writer, first);
        const firstBatch = writer.take()!;
        write(writer, second);
        const length = writer.length;
        const secondBatch = writer.take()!;
        expect(secondBatch.length).toBe(length);
        expect(read(firstBatch)).toEqual(first);
        // A frame is a view of a larger chunk in general.
        const chunk = new Uint8Array(length + 7);
        chunk.set(secondBatch, 5);
        expect(read(chunk.subarray(5, 5 + length))).toEqual(second);
        expect(writer.take()).toBeUndefined();
      }),
    );
  });

  it("cut at each byte: what is whole, then a ProtocolError, also inside a larger chunk", () => {
    fc.assert(
      fc.property(aCall, aCall, (first, second) => {
        const writer = newWriter();
        write(writer, [first]);
        const whole = writer.length;
        write(writer, [second]);
        const frame = writer.take()!;
        for (let length = 0; length < frame.length; length++) {
          if (length === 0 || length === whole) continue;
          expect(() => read(frame.subarray(0, length))).toThrow(ProtocolError);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("any bytes at all are records or a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(13), (bytes, op) => {
        if (bytes.length > 0) bytes[0] = op;
        try {
          read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("an unknown record is named", () => {
    expect(() => read(Uint8Array.of(200))).toThrow(/unknown record 200 .* at byte 0/);
  });
});

describe("an assignment", () => {
  it("with a false number of inputs is refused before memory is taken for them", () => {
    const writer = new ServerToWorkerWriter();
    writer.assign(1, 1, 1, 0, 0, 0xffffffff, new Uint8Array(0), 0, 0, undefined);
    expect(() => readToWorker(writer.take()!)).toThrow(
      /truncated record from the server at byte 0/,
    );
  });

  it("with an unknown input place is refused", () => {
    const writer = new ServerToWorkerWriter();
    writer.assign(1, 1, 1, 0, 0, 1, new Uint8Array(0), 0, 0, undefined);
    writer.inputLocal(3);
    const frame = writer.take()!;
    frame[frame.length - 5] = 9;
    expect(() => readToWorker(frame)).toThrow(/unknown input place 9/);
  });

  it("names at most 255 holders", () => {
    const writer = new ServerToWorkerWriter();
    writer.assign(1, 1, 1, 0, 0, 1, new Uint8Array(0), 0, 0, undefined);
    const holders = Array.from({ length: 300 }, (_, i) => i);
    writer.inputRemote(3, 10, holders);
    const [[, task]] = readToWorker(writer.take()!);
    expect((task as Assignment).inputs).toEqual([
      { place: InputPlace.remote, row: 3, size: 10, holders: holders.slice(0, 255) },
    ]);
  });
});

it("a big batch is not written over by the next one", () => {
  const writer = new WorkerToServerWriter();
  writer.failed(1, 1, new Uint8Array(3_000_000).fill(7));
  const batch = writer.take()!;
  writer.failed(2, 1, new Uint8Array(3_000_000).fill(8));
  expect(batch.subarray(13).every((byte) => byte === 7)).toBe(true);
  expect(readToServer(writer.take()!)[0].slice(0, 3)).toEqual(["failed", 2, 1]);
});

it("an error of a handler comes out as it is", () => {
  const bug = new RangeError("a bug of the handler");
  const writer = new ServerToWorkerWriter();
  writer.ping(1);
  const handler = {
    ping: () => {
      throw bug;
    },
  } as unknown as ServerToWorkerHandler;
  expect(() => new ServerToWorkerReader(handler).read(writer.take()!)).toThrow(bug);
});

it.each([
  ["names", { name: "x".repeat(256), indices: [] }, /256 bytes of xxx/],
  ["indices", { name: "gpus", indices: ["é".repeat(128)] }, /256 bytes of éé/],
  ["lists of indices", { name: "gpus", indices: Array(256).fill("0") }, /256 indices of gpus/],
])("%s too long for a request's record are refused", (_, { name, indices }, message) => {
  const request = { id: 1, cpus: 0, amounts: [{ name, amount: 1, indices }] };
  expect(() => new ServerToWorkerWriter().request(request)).toThrow(message);
});

it("a path too long for its record is refused", () => {
  expect(() => new ServerToWorkerWriter().observe(2, "é".repeat(32768))).toThrow(
    /trace directory has 65536 bytes/,
  );
});

it("a host name too long for its record is refused", () => {
  expect(() => new ServerToWorkerWriter().peer(1, "x".repeat(256), 1)).toThrow(ProtocolError);
});
