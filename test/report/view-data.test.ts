/** What is known of failures, put into words. */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { FailureInfoSchema } from "../../src/protocol/generated/worker_pb.js";
import { withoutOutput } from "../../src/report/page/failure-message.js";
import type { ViewFailure } from "../../src/report/page/view-data.js";
import { viewDataOf } from "../../src/report/view-data-of.js";
import { syntheticTrace } from "./synthetic-trace.js";

const encoder = new TextEncoder();

/** As a trace has it: what was told, after writing and reading. */
function failureOf(told: MessageInitShape<typeof FailureInfoSchema>): ViewFailure {
  const bytes = toBinary(FailureInfoSchema, create(FailureInfoSchema, told));
  const info = fromBinary(FailureInfoSchema, bytes);
  const trace = syntheticTrace({ tasks: 3, failing: 0 });
  const failures = [{ task: 1, worker: 0, atMs: 5, info }];
  return viewDataOf({ ...trace, failures }, "").failures[0];
}

describe("a failure", () => {
  it("has an exit status only if it was told one, which may be 0", () => {
    const names = (failure: ViewFailure): string[] => failure.facts.map(([name]) => name);
    expect(names(failureOf({ message: "ValueError" }))).toEqual([]);
    expect(names(failureOf({ message: "killed", signal: "SIGKILL" }))).toEqual(["signal"]);
    expect(names(failureOf({ message: "slow", execution: { timeLimitMs: 500 } }))).toEqual([
      "time limit",
    ]);
    expect(failureOf({ message: "no output", exitStatus: 0 }).facts).toEqual([
      ["exit status", "0"],
    ]);
    expect(failureOf({ message: "it ended", exitStatus: 3 }).facts).toEqual([["exit status", "3"]]);
  });

  it("has its output once: beside the message, or in it", () => {
    const message = "it ended with 3\nStderr:\nline\n";
    expect(failureOf({ message, stderr: encoder.encode("line\n") })).toMatchObject({
      message: "it ended with 3",
      stderr: "line\n",
    });
    for (const stderr of [undefined, new Uint8Array(0)]) {
      expect(failureOf({ message, stderr })).toMatchObject({ message, stderr: "" });
    }
    // A program that has written nothing.
    expect(withoutOutput("it ended with 1\nStderr:\n", "")).toBe("it ended with 1");
    expect(withoutOutput("one\ntwo", "x")).toBe("one\ntwo");
  });
});
