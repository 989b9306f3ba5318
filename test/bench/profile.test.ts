/** Profiles: the functions with most time of their own, without the time in which nothing was done. */
import { expect, it } from "vitest";
import { type CpuProfile, topOfProfile } from "../../bench/profile.js";

const frame = (functionName: string, url = "", lineNumber = -1) => ({
  callFrame: { functionName, url, lineNumber },
});
const profile: CpuProfile = {
  nodes: [
    { id: 1, ...frame("(root)") },
    { id: 2, ...frame("(idle)") },
    { id: 3, ...frame("assign", "file:///a/b/worker-link.js", 31) },
    { id: 4, ...frame("(garbage collector)") },
    { id: 5, ...frame("assign", "file:///a/b/worker-link.js", 31) },
    { id: 6, ...frame("", "file:///a/b/x.js", 0) },
  ],
  samples: [1, 2, 3, 4, 5, 6, 3],
  timeDeltas: [1000, 5000, 100, 300, 200, 50, 350],
};

it("sums the time of a function wherever it was called", () => {
  expect(topOfProfile(profile, 10)).toEqual([
    { function: "assign worker-link.js:32", percent: 65 },
    { function: "(garbage collector)", percent: 30 },
    { function: "(anonymous) x.js:1", percent: 5 },
  ]);
});

it("gives as many as are wanted", () => {
  expect(topOfProfile(profile, 1)).toHaveLength(1);
  expect(topOfProfile({ nodes: [], samples: [], timeDeltas: [] }, 5)).toEqual([]);
});
