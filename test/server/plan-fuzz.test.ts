/**
 * Plans of random and of damaged bytes: each is executed, refused, or ends its connection with one
 * ERROR; the server lives on. The only worker executes nothing, so that no damage does harm.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClientRequestSchema } from "../../src/protocol/generated/loom_pb.js";
import { BUILTIN_SYMBOLS } from "../../src/protocol/index.js";
import { Answer, Ask, ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import type { PlanBuilder } from "./plan-builder.js";
import { ScriptedWorker } from "./scripted-worker.js";

const cluster = useCluster();
let worker: ScriptedWorker;

beforeAll(async () => {
  const taskTypes = BUILTIN_SYMBOLS.filter((name) => /\/(const|run|make|merge|open)$/.test(name));
  worker = await ScriptedWorker.join(cluster.port, { cpus: 64, taskTypes });
  worker.finishesAll = true;
});

afterAll(() => worker.close());

/** The damage made it a request to stop the server. */
function isTerminate(frame: Uint8Array): boolean {
  try {
    return fromBinary(ClientRequestSchema, frame).type === Ask.TERMINATE;
  } catch {
    return false;
  }
}

async function check(frame: Uint8Array): Promise<void> {
  if (isTerminate(frame)) return;
  const client = await ClassicClient.connect(cluster.port);
  try {
    client.socket.sendFrame(frame);
    client.send({ type: Ask.STATS });
    await client.untilAnswered(Answer.STATS);
    expectOrder(client);
  } finally {
    client.close();
  }
}

function expectOrder(client: ClassicClient): void {
  const errors = client.untaken(Answer.ERROR);
  if (client.untaken(Answer.STATS).length === 0) {
    expect(errors).toHaveLength(1);
    expect(client.socket.peerEnded).toBe(true);
  } else {
    expect(errors.length).toBeLessThanOrEqual(1);
  }
  for (const { error } of errors) expect(error!.errorMsg).not.toMatch(/internal error|\n/);
  expect(worker.broken).toBeUndefined();
  expect(worker.socket.isClosed).toBe(false);
}

/** A PLAN with everything in it that a plan can have. */
function fullPlan(client: ClassicClient, loadCheckpoints: boolean): Buffer {
  const plan: PlanBuilder = client.plan();
  const a = plan.add("loom/data/const", {
    config: "a",
    label: "first é",
    checkpointPath: cluster.path("a"),
    result: true,
  });
  const b = plan.shell("exit 1", { inputs: [a, a], mapInputs: ["+in", "$x"], label: "second" });
  plan.result("loom/array/make", { inputs: [a, b], cpus: 1, label: "third" });
  plan.add("loom/data/merge", { inputs: [b], checkpointPath: cluster.path("b") });
  const request = { type: Ask.PLAN, plan: plan.build(), loadCheckpoints };
  return Buffer.from(toBinary(ClientRequestSchema, create(ClientRequestSchema, request)));
}

describe("a PLAN", () => {
  it("of random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), (bytes) =>
        check(Buffer.concat([Buffer.from([8, 1, 18, bytes.length]), bytes])),
      ),
      { numRuns: 200 },
    );
  });

  it("with a task of random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const task = Buffer.concat([Buffer.from([8, 4, 18, 0]), bytes]);
        const plan = Buffer.concat([Buffer.from([18, task.length]), task]);
        return check(Buffer.concat([Buffer.from([8, 1, 18, plan.length]), plan]));
      }),
      { numRuns: 200 },
    );
  });

  it.each([false, true])("with a few bytes changed, load_checkpoints %s", async (load) => {
    const client = await cluster.client();
    const whole = fullPlan(client, load);
    const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const frame = Buffer.from(whole);
        for (const { at, byte } of changes) frame[at] = byte;
        return check(frame);
      }),
      { numRuns: 400 },
    );
  });

  it("cut off anywhere", async () => {
    const client = await cluster.client();
    const whole = fullPlan(client, true);
    for (let length = 0; length <= whole.length; length++) await check(whole.subarray(0, length));
  });

  it.each([
    ["a label of the wrong wire type", [96, 1]],
    ["a label that is no UTF-8", [98, 2, 0xff, 0xfe]],
    ["metadata of the wrong wire type", [106, 0, 109, 1, 2, 3, 4]],
    ["a checkpoint path that is no UTF-8", [58, 3, 0x2f, 0xff, 0xfe]],
    ["a checkpoint path with a NUL", [58, 3, 0x2f, 0, 0x61]],
    ["a label, and a group", [98, 1, 97, 0xfb, 1, 8, 1, 0xfc, 1]],
  ])("with %s", async (_, field) => {
    const task = Buffer.from([8, 4, 18, 1, 120, 48, 1, 98, 1, 97, ...field]);
    const plan = Buffer.concat([Buffer.from([18, task.length]), task]);
    await check(Buffer.concat([Buffer.from([8, 1, 18, plan.length]), plan, Buffer.from([32, 1])]));
  });
});

describe("any request", () => {
  it("of random bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), (bytes) => check(bytes)),
      { numRuns: 200 },
    );
  });

  it("with random fields", async () => {
    // TERMINATE (10) is left out.
    const types = fc.constantFrom(1, 2, 3, 6, 7, 20, 21, 22, 23, 24, 8);
    // id, request_id, offset, max_size
    const field = fc.tuple(fc.constantFrom([24], [160, 1], [168, 1], [176, 1]), fc.nat(127));
    await fc.assert(
      fc.asyncProperty(types, fc.array(field, { maxLength: 4 }), (type, fields) =>
        check(Buffer.from([8, type, ...fields.flatMap(([tag, value]) => [...tag, value])])),
      ),
      { numRuns: 200 },
    );
  });
});
