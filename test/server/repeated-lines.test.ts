/** Lines that may come by the thousand. */
import { expect, it } from "vitest";
import { RepeatedLines } from "../../src/server/repeated-lines.js";

it("are written once a second, with how many were left out", () => {
  const lines = new RepeatedLines();
  const written: string[] = [];
  const log = (key: string, nowMs: number) =>
    lines.log(key, nowMs, (more) => written.push(key + more));
  for (const atMs of [0, 1, 500, 999]) log("a", atMs);
  log("b", 999);
  log("a", 1000);
  log("a", 2500);
  expect(written).toEqual(["a", "b", "a (and 3 times before)", "a"]);
});
