import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoomError, ProtocolError } from "../../src/base/index.js";
import {
  ClientRequest_Type,
  ClientRequestSchema,
  Task_Policy,
} from "../../src/protocol/generated/loom_pb.js";
import {
  decodePlanRequest,
  decodeTaskMessage,
  type EncodedResource,
  encodeClientRequest,
  type PlanColumns,
  PlanEncoder,
  PlanTaskFlag,
  peekRequestType,
} from "../../src/protocol/index.js";
import { bytes, field, minimalTask, minusOne, planOf } from "./plan-bytes.js";

interface TaskInput {
  taskType: number;
  config: Uint8Array;
  inputIds: number[];
  resourceRequestIndex?: number;
  result?: boolean;
  checkpointPath?: string;
  label?: string;
  metadata?: Uint8Array;
  once?: boolean;
  timeLimitMs?: number;
  expectedMs?: number;
  expectedBytes?: number;
  priority?: number;
}

const int32 = fc.oneof(
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.nat(300),
  fc.constantFrom(0, -1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456),
  fc.constantFrom(2 ** 31 - 1, -(2 ** 31)),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const aTask: fc.Arbitrary<TaskInput> = fc.record({
  taskType: int32,
  config: fc.uint8Array({ maxLength: 200 }),
  inputIds: fc.array(int32, { maxLength: 6 }),
  resourceRequestIndex: maybe(int32.filter((index) => index !== -1)),
  result: maybe(fc.boolean()),
  checkpointPath: maybe(fc.string({ unit: "grapheme", maxLength: 90 })),
  label: maybe(fc.oneof(fc.string(), fc.string({ unit: "grapheme" }))),
  metadata: maybe(fc.uint8Array({ maxLength: 90 })),
  once: maybe(fc.boolean()),
  timeLimitMs: maybe(fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1))),
  expectedMs: maybe(fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })),
  expectedBytes: maybe(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })),
  priority: maybe(fc.integer({ min: -100, max: 100 })),
});
const anAmount = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
const aResource: fc.Arbitrary<EncodedResource> = fc.oneof(
  fc.record({ symbol: int32, value: int32 }),
  fc.record({ symbol: int32, value: anAmount }),
  fc.record({
    symbol: fc.constant(0),
    name: fc.string({ unit: "grapheme", maxLength: 20 }),
    value: anAmount,
    indices: maybe(fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 3 })),
  }),
);
const resourceList = fc.array(aResource, { maxLength: 3 });
const aRequest = fc.record({
  resources: resourceList,
  alternatives: fc.array(resourceList, { maxLength: 2 }),
});
const aPlan = fc.record({
  idBase: fc.nat(2 ** 31 - 1),
  loadCheckpoints: fc.boolean(),
  tasks: fc.array(aTask, { maxLength: 12 }),
  requests: fc.array(aRequest, { maxLength: 3 }),
  whenUnsatisfiable: fc.nat(2),
});
type PlanInput = typeof aPlan extends fc.Arbitrary<infer T> ? T : never;

const asRequest = (plan: PlanInput) =>
  create(ClientRequestSchema, {
    type: ClientRequest_Type.PLAN,
    loadCheckpoints: plan.loadCheckpoints ? true : undefined,
    plan: {
      idBase: plan.idBase,
      tasks: plan.tasks.map(({ once, ...task }) => ({
        ...task,
        result: task.result || undefined,
        timeLimitMs: task.timeLimitMs || undefined,
        policy: once ? Task_Policy.ONCE : undefined,
        priority: task.priority || undefined,
      })),
      resourceRequests: plan.requests.map(({ resources, alternatives }) => ({
        resources: resources.map(asResource),
        alternatives: alternatives.map((list) => ({ resources: list.map(asResource) })),
      })),
      whenUnsatisfiable: plan.whenUnsatisfiable || undefined,
    },
  });

/** Whole amounts by symbol in the form of classic clients, all else by the extensions. */
function asResource({ symbol, name, value, indices = [] }: EncodedResource) {
  if (name === undefined && Number.isInteger(value) && value === value << 0) {
    return { resourceType: symbol, value };
  }
  const resourceType = name === undefined ? symbol : 0;
  return { resourceType, value: 0, name, amount: value, indices: [...indices] };
}

function encodeByHand(plan: PlanInput): Uint8Array {
  const encoder = new PlanEncoder(plan.idBase);
  for (const { resources, alternatives } of plan.requests) {
    encoder.addRequest(resources, alternatives);
  }
  for (const task of plan.tasks) {
    encoder.addTask(task.taskType, task.config, task.inputIds, {
      ...task,
      requestIndex: task.resourceRequestIndex,
    });
  }
  return encoder.finish(plan.loadCheckpoints, plan.whenUnsatisfiable);
}

function expectColumns(columns: PlanColumns, plan: PlanInput): void {
  expect(columns.idBase).toBe(plan.idBase);
  expect(columns.loadCheckpoints).toBe(plan.loadCheckpoints);
  expect(columns.taskCount).toBe(plan.tasks.length);
  expect(columns.taskType.length).toBe(plan.tasks.length);
  expect(columns.inputStart.length).toBe(plan.tasks.length + 1);
  const decoded = (list: readonly EncodedResource[]) =>
    list.map((resource) => ({ ...resource, indices: resource.indices ?? [] }));
  expect(columns.requests).toEqual(
    plan.requests.map(({ resources, alternatives }) => ({
      resources: decoded(resources),
      alternatives: alternatives.map((list) => ({ resources: decoded(list), alternatives: [] })),
    })),
  );
  expect(columns.whenUnsatisfiable).toBe(plan.whenUnsatisfiable);
  const given = (key: keyof TaskInput) => plan.tasks.some((task) => task[key] !== undefined);
  expect(columns.expectedMs?.length).toBe(given("expectedMs") ? plan.tasks.length : undefined);
  expect(columns.expectedBytes !== undefined).toBe(given("expectedBytes"));
  expect(columns.labelStart?.length).toBe(given("label") ? plan.tasks.length : undefined);
  expect(columns.priority !== undefined).toBe(plan.tasks.some((task) => task.priority));
  plan.tasks.forEach((task, i) => {
    const start = columns.configStart[i];
    const config = columns.bytes.subarray(start, start + columns.configLength[i]);
    const ids = columns.inputIds.subarray(columns.inputStart[i], columns.inputStart[i + 1]);
    const flags =
      (task.result ? PlanTaskFlag.result : 0) |
      (task.checkpointPath !== undefined ? PlanTaskFlag.checkpoint : 0) |
      (task.label !== undefined ? PlanTaskFlag.label : 0) |
      ([...(task.label ?? "")].some((c) => c > "\x7f") ? PlanTaskFlag.unchecked : 0) |
      (task.metadata !== undefined ? PlanTaskFlag.metadata : 0) |
      (task.once ? PlanTaskFlag.once : 0) |
      (task.timeLimitMs ? PlanTaskFlag.timeLimit : 0);
    expect(columns.taskType[i]).toBe(task.taskType);
    expect([...config]).toEqual([...task.config]);
    expect([...ids]).toEqual(task.inputIds);
    expect(columns.request[i]).toBe(task.resourceRequestIndex ?? -1);
    expect(columns.flags[i]).toBe(flags);
    expect(columns.expectedMs?.[i] ?? Number.NaN).toBe(task.expectedMs ?? Number.NaN);
    expect(columns.expectedBytes?.[i] ?? Number.NaN).toBe(task.expectedBytes ?? Number.NaN);
    expect(columns.priority?.[i] ?? 0).toBe(task.priority ?? 0);
    const labelStart = columns.labelStart?.[i] ?? 0;
    const label = columns.bytes.subarray(labelStart, labelStart + (columns.labelLength?.[i] ?? 0));
    expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(label)).toBe(task.label ?? "");
    const message = decodeTaskMessage(columns, i);
    expect(message.checkpointPath).toBe(task.checkpointPath ?? "");
    expect(message.label).toBe(task.label ?? "");
    expect(message.timeLimitMs).toBe(task.timeLimitMs ?? 0);
    expect([...message.metadata]).toEqual([...(task.metadata ?? [])]);
  });
}

describe("a PLAN request", () => {
  it("by generated code is decoded into columns", () => {
    fc.assert(
      fc.property(aPlan, (plan) => {
        expectColumns(decodePlanRequest(toBinary(ClientRequestSchema, asRequest(plan))), plan);
      }),
    );
  });

  it("by PlanEncoder is the same message for generated code, and for our decoder", () => {
    fc.assert(
      fc.property(aPlan, (plan) => {
        const frame = encodeByHand(plan);
        expect(fromBinary(ClientRequestSchema, frame)).toEqual(asRequest(plan));
        expectColumns(decodePlanRequest(frame), plan);
      }),
    );
  });

  it("of many tasks of growing size is decoded", () => {
    const encoder = new PlanEncoder(5);
    const request = encoder.addRequest([{ symbol: 3, value: 2 }]);
    const count = 30_000;
    for (let i = 0; i < count; i++) {
      const config = new Uint8Array(i < count / 2 ? 0 : 60).fill(i);
      const id = encoder.addTask(4, config, i === 0 ? [] : [i + 4, i + 4, 5], {
        requestIndex: i % 2 === 0 ? request : undefined,
        result: i % 3 === 0,
      });
      expect(id).toBe(5 + i);
    }
    expect(encoder.taskCount).toBe(count);
    const columns = decodePlanRequest(encoder.finish());
    expect(columns.taskCount).toBe(count);
    for (let i = 1; i < count; i++) {
      const at = columns.inputStart[i];
      if (
        columns.inputIds[at] !== i + 4 ||
        columns.inputIds[at + 2] !== 5 ||
        columns.inputStart[i + 1] !== at + 3 ||
        columns.request[i] !== (i % 2 === 0 ? 0 : -1) ||
        columns.flags[i] !== (i % 3 === 0 ? PlanTaskFlag.result : 0) ||
        (columns.configLength[i] > 0 && columns.bytes[columns.configStart[i]] !== (i & 255))
      ) {
        throw new Error(`task ${i} is wrong`);
      }
    }
  });

  it("may have no tasks, and 1 big config", () => {
    expect(decodePlanRequest(new PlanEncoder(7).finish())).toMatchObject({
      idBase: 7,
      taskCount: 0,
    });
    const encoder = new PlanEncoder(0);
    encoder.addTask(4, new Uint8Array(5_000_000).fill(3), []);
    const columns = decodePlanRequest(encoder.finish());
    expect(columns.configLength[0]).toBe(5_000_000);
    expect(columns.bytes[columns.configStart[0] + 4_999_999]).toBe(3);
  });

  it("takes input ids packed, unpacked and mixed", () => {
    const task = bytes(minimalTask, 24, 1, field(26, bytes(2, 172, 2, 3)), 24, minusOne);
    const columns = decodePlanRequest(planOf(task, minimalTask));
    expect([...columns.inputIds.subarray(0, columns.inputStart[1])]).toEqual([1, 2, 300, 3, -1]);
    expect(columns.inputStart[2]).toBe(columns.inputStart[1]);
  });

  it("takes fields in any order, the last of repeated ones, an explicit -1", () => {
    const task = bytes(
      field(18, bytes(1, 1)),
      48,
      1,
      24,
      9,
      40,
      3,
      8,
      1,
      48,
      0,
      field(18, bytes(5)),
      40,
      minusOne,
      8,
      2,
    );
    const plan = field(18, bytes(32, 1, field(18, task), 32, 9));
    const columns = decodePlanRequest(bytes(32, 1, plan, 32, 0, 8, 3, 8, 1));
    expect(columns).toMatchObject({ idBase: 9, loadCheckpoints: false, taskCount: 1 });
    expect(columns.taskType[0]).toBe(2);
    expect(columns.flags[0]).toBe(0);
    expect(columns.request[0]).toBe(-1);
    expect(columns.bytes[columns.configStart[0]]).toBe(5);
    expect(columns.configLength[0]).toBe(1);
  });

  it("merges a plan field that comes twice", () => {
    const plan = field(18, field(18, minimalTask));
    expect(decodePlanRequest(bytes(8, 1, plan, plan)).taskCount).toBe(2);
  });

  it("skips unknown fields of any wire type at every level", () => {
    const unknown = bytes(
      [200, 6, 255, 1], // field 105, varint
      [201, 6, 1, 2, 3, 4, 5, 6, 7, 8], // fixed64
      [202, 6, 2, 1, 1], // bytes
      [203, 6, 200, 6, 1, 203, 6, 204, 6, 204, 6], // a group with a varint and a group
      [205, 6, 1, 2, 3, 4], // fixed32
      [10, 1, 65], // field 1 with an unexpected wire type
    );
    const task = bytes(unknown, minimalTask, unknown);
    const plan = field(18, bytes([120, 1], field(18, task), [121, 1, 2, 3, 4, 5, 6, 7, 8]));
    const columns = decodePlanRequest(bytes(unknown, 8, 1, plan, unknown));
    expect(columns.taskCount).toBe(1);
    expect(columns.taskType[0]).toBe(4);
  });

  it("truncated or changed at any byte gives a plan or a ProtocolError", () => {
    fc.assert(
      fc.property(aPlan, fc.nat(), fc.nat(255), (plan, position, value) => {
        const frame = encodeByHand(plan);
        const changed = frame.slice();
        changed[position % frame.length] = value;
        for (const bad of [frame.subarray(0, position % frame.length), changed]) {
          try {
            const columns = decodePlanRequest(bad);
            for (let i = 0; i < columns.taskCount; i++) {
              expect(columns.configStart[i] + columns.configLength[i]).toBeLessThanOrEqual(
                bad.length,
              );
            }
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("cut anywhere inside its plan is a ProtocolError", () => {
    const encoder = new PlanEncoder(0);
    encoder.addRequest([{ symbol: 300, value: 1 }]);
    encoder.addTask(4, new Uint8Array(200), [1, 2000], { label: "x", requestIndex: 0 });
    const frame = encoder.finish();
    for (let length = 0; length < frame.length; length++) {
      expect(() => decodePlanRequest(frame.subarray(0, length))).toThrow(ProtocolError);
    }
  });

  it.each([
    ["nothing", bytes(), /type 0 is not PLAN/],
    ["another type", bytes(8, 2), /type 2 is not PLAN/],
    ["no plan", bytes(8, 1), /the plan is missing/],
    ["no task_type", planOf(field(18, bytes(7))), /task_type of task 0 is missing/],
    ["no config", planOf(minimalTask, bytes(8, 4)), /config of task 1 is missing/],
    ["a config longer than its task", planOf(bytes(8, 4, 18, 9, 1)), /a field of 9 bytes/],
    ["a length of 2^63", planOf(bytes(8, 4, 18, ...minusOne)), /more than 2\^32/],
    ["a length of 2^40 + 1", planOf(bytes(8, 4, 18, 129, 128, 128, 128, 128, 32, 7)), /than 2\^32/],
    ["an endless number", bytes(8, 1, 32, ...new Uint8Array(12).fill(255)), /more than 10 bytes/],
    ["wire type 6", bytes(8, 1, 78), /wire type 6/],
    ["field number 0", bytes(8, 1, 0), /field number 0/],
    ["an open group", bytes(8, 1, 75, 8, 1), /ends in the middle/],
    ["a group closed by another", bytes(8, 1, 75, 84), /group that does not end/],
    ["endless nesting", bytes(8, 1, new Uint8Array(1e6).fill(75)), /nested too deep/],
    [
      "a resource without value",
      bytes(8, 1, field(18, field(10, field(10, bytes(8, 1))))),
      /value/,
    ],
  ])("with %s is a ProtocolError", (_, frame, message) => {
    expect(() => decodePlanRequest(frame)).toThrow(ProtocolError);
    expect(() => decodePlanRequest(frame)).toThrow(message);
  });

  it("cannot be added to after finish()", () => {
    const encoder = new PlanEncoder(0);
    encoder.finish();
    expect(() => encoder.addTask(0, bytes(), [])).toThrow(LoomError);
    expect(() => encoder.addRequest([])).toThrow(/finished/);
    expect(() => encoder.finish()).toThrow(/finished/);
  });
});

describe("peekRequestType", () => {
  it("finds the type wherever it is", () => {
    for (const type of [ClientRequest_Type.PLAN, ClientRequest_Type.RELEASE_MANY]) {
      expect(peekRequestType(encodeClientRequest({ type, ids: [1] }))).toBe(type);
    }
    expect(peekRequestType(bytes(18, 2, 8, 7, 24, 5, 8, 10))).toBe(10);
    expect(peekRequestType(bytes(8, 200, 1))).toBe(200);
  });

  it("throws a ProtocolError when there is none", () => {
    for (const frame of [bytes(), bytes(24, 1), bytes(8), bytes(8, 255), bytes(255)]) {
      expect(() => peekRequestType(frame)).toThrow(ProtocolError);
    }
  });
});

it("decodeTaskMessage explains a bad message", () => {
  const columns = decodePlanRequest(planOf(minimalTask));
  expect(() => decodeTaskMessage({ ...columns, messageLength: Uint32Array.of(3) }, 0)).toThrow(
    ProtocolError,
  );
});
