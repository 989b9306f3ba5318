import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  ClientRequestType,
  ClientResponseType,
  decodeClientRequest,
  decodeClientResponse,
  decodeFailureInfo,
  decodeRegister,
  decodeRunConfig,
  decodeTaskExtras,
  encodeClientRequest,
  encodeClientResponse,
  encodeFailureInfo,
  encodeFinishedMany,
  encodeRegister,
  encodeRunConfig,
  encodeTaskExtras,
  encodeTaskFinished,
  RegisterType,
} from "../../src/protocol/index.js";

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe("messages come back as they were sent", () => {
  it("Register", () => {
    const init = {
      protocolVersion: 2,
      type: RegisterType.WORKER,
      port: 9010,
      taskTypes: ["a", "b"],
      dataTypes: ["c"],
      cpus: 4,
      workerProtocol: 1,
      host: "node7",
      resources: [
        { name: "gpus", amount: 2, indices: ["0", "MIG-é"] },
        { name: "mem", amount: 2 ** 40 + 0.5, indices: [] },
      ],
    };
    expect(decodeRegister(encodeRegister(init))).toMatchObject(init);
  });

  it("Register, unless a resource has no name or no amount", () => {
    const frame = encodeRegister({
      protocolVersion: 2,
      type: RegisterType.WORKER,
      resources: [{ name: "gpus", amount: 1 }],
    });
    const cut = frame.slice(0, -9); // the amount: a tag and 8 bytes
    cut[cut.length - 7] -= 9;
    expect(() => decodeRegister(cut)).toThrow(/resources\.amount is missing/);
  });

  it("ClientRequest", () => {
    const init = {
      type: ClientRequestType.READ,
      id: 5,
      requestId: 9,
      offset: 2n ** 40n,
      maxSize: 1 << 20,
      stream: "stderr",
      ids: [1, 2, 3],
    };
    expect(decodeClientRequest(encodeClientRequest(init))).toMatchObject(init);
  });

  it("ClientResponse", () => {
    const init = {
      type: ClientResponseType.TASK_FAILED,
      error: { id: 3, worker: "w", errorMsg: "m", lostResults: [3, 4], stderr: Uint8Array.of(1) },
    };
    expect(decodeClientResponse(encodeClientResponse(init))).toMatchObject(init);
  });

  it("ClientResponse with progress by label", () => {
    const init = {
      ...{ type: ClientResponseType.PROGRESS, nFinished: 1, nUnfinished: 2, nFailed: 3 },
      labels: [
        { name: "train é", total: 2 ** 32 - 1, running: 1, finished: 0, failed: 3 },
        { name: "", total: 0, running: 0, finished: 0, failed: 0 },
      ],
    };
    expect(decodeClientResponse(encodeClientResponse(init))).toMatchObject(init);
  });

  it("Run, TaskExtras, FailureInfo", () => {
    const run = { args: ["cat", "a"], mapInputs: ["a"], mapOutputs: ["+out"], env: { A: "1" } };
    expect(decodeRunConfig(encodeRunConfig(run))).toMatchObject(run);
    const extras = { checkpointPath: "/x", label: "l", timeLimitMs: 7, once: true };
    expect(decodeTaskExtras(encodeTaskExtras(extras))).toMatchObject(extras);
    const failure = { message: "no", exitStatus: 3, signal: "SIGKILL", stderr: Uint8Array.of(2) };
    expect(decodeFailureInfo(encodeFailureInfo(failure))).toMatchObject(failure);
  });
});

describe("bad bytes are a ProtocolError", () => {
  it.each([
    ["no type", () => decodeRegister(Uint8Array.of(8, 2)), /malformed Register: type is missing/],
    ["no version", () => decodeRegister(Uint8Array.of(16, 2)), /protocol_version is missing/],
    ["an unknown type", () => decodeClientRequest(Uint8Array.of(8, 99)), /type is missing or unkn/],
    ["nothing", () => decodeClientResponse(new Uint8Array(0)), /malformed ClientResponse: type/],
    [
      "a nested message without a required field",
      () => decodeClientResponse(Uint8Array.of(8, 1, 18, 2, 8, 1)),
      /malformed ClientResponse: data\.n_messages is missing/,
    ],
    [
      "a task without config",
      () => decodeClientRequest(Uint8Array.of(8, 1, 18, 4, 18, 2, 8, 1)),
      /plan\.tasks\.config is missing/,
    ],
    ["a truncated string", () => decodeTaskExtras(Uint8Array.of(10, 5, 65)), /malformed TaskExtra/],
  ])("%s", (_, decode, message) => {
    expect(decode).toThrow(ProtocolError);
    expect(decode).toThrow(message);
  });

  it("any bytes at all", () => {
    const decoders = [
      decodeRegister,
      decodeClientRequest,
      decodeClientResponse,
      decodeRunConfig,
      decodeTaskExtras,
      decodeFailureInfo,
    ];
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(...decoders),
        (bytes, decode) => {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("responses written by hand are what generated code writes", () => {
  it("TASK_FINISHED", () => {
    fc.assert(
      fc.property(int32, (id) => {
        const byLibrary = encodeClientResponse({ type: ClientResponseType.TASK_FINISHED, id });
        expect([...encodeTaskFinished(id)]).toEqual([...byLibrary]);
      }),
    );
  });

  it("FINISHED_MANY", () => {
    fc.assert(
      fc.property(fc.array(int32, { maxLength: 100 }), (ids) => {
        const frame = encodeFinishedMany(Int32Array.from(ids));
        const message = decodeClientResponse(frame);
        expect(message.type).toBe(ClientResponseType.FINISHED_MANY);
        expect(message.ids).toEqual(ids);
        if (ids.length > 0) {
          const byLibrary = encodeClientResponse({ type: ClientResponseType.FINISHED_MANY, ids });
          expect([...frame]).toEqual([...byLibrary]);
        }
      }),
    );
  });
});
