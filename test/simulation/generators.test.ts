/** Generated workloads: their shapes, durations and seeds; and what is refused. */
import { describe, expect, it } from "vitest";
import {
  GENERATORS,
  generate,
  graphWorkload,
  Random,
  readBytes,
  readBytesPerMs,
  readFault,
  readFaultRate,
  readGraphFile,
  readTimeMs,
  readWorkers,
  type Workload,
} from "../../src/simulation/index.js";

function inputsOf({ inputs, inputStart }: Workload, task: number): number[] {
  return [...inputs.subarray(inputStart[task], inputStart[task + 1])];
}

function totalMs({ durationMs }: Workload): number {
  return durationMs.reduce((sum, ms) => sum + ms, 0);
}

describe("generators", () => {
  it("make the shapes that they say", () => {
    const chain = generate("chain:2x3", 1);
    expect([0, 1, 2, 3, 4, 5].map((task) => inputsOf(chain, task))).toEqual([
      [],
      [0],
      [1],
      [],
      [3],
      [4],
    ]);
    const fork = generate("fork:2", 1);
    expect([0, 1, 2, 3].map((task) => inputsOf(fork, task))).toEqual([[], [0], [0], [1, 2]]);
    const tree = generate("tree:5,degree=3", 1);
    expect([5, 6, 7].map((task) => inputsOf(tree, task))).toEqual([
      [0, 1, 2],
      [3, 4],
      [5, 6],
    ]);
    const layers = generate("layers:4x3,degree=3", 1);
    expect(layers.taskCount).toBe(12);
    for (let task = 4; task < 12; task++) {
      expect(inputsOf(layers, task)).toHaveLength(3);
      expect(inputsOf(layers, task)[0]).toBe(task - 4);
    }
  });

  it("make tasks after their inputs, the same for the same seed", () => {
    for (const { name, size } of GENERATORS) {
      const form = size.split(" or ")[0].replaceAll(/[A-Z]/g, "3");
      const workload = generate(`${name}:${form},sigma=1`, 5);
      expect(workload.taskCount).toBeGreaterThan(0);
      for (let task = 0; task < workload.taskCount; task++) {
        for (const input of inputsOf(workload, task)) expect(input).toBeLessThan(task);
      }
      expect(generate(`${name}:${form},sigma=1`, 5)).toEqual(workload);
      expect(generate(`${name}:${form},sigma=1`, 6)).not.toEqual(workload);
    }
  });

  it("draw durations and sizes around their medians", () => {
    const { durationMs, outputBytes } = generate(
      "fanout:20000,ms=2s,sigma=0.5,bytes=1MB,bytes-sigma=1",
      1,
    );
    const median = (values: Float64Array) => values.slice().sort()[10_000];
    expect(median(durationMs) / 2000).toBeCloseTo(1, 1);
    expect(median(outputBytes) / 1e6).toBeCloseTo(1, 1);
    // Of a log-normal distribution, the mean is exp(sigma² / 2) medians.
    const mean = durationMs.reduce((sum, ms) => sum + ms, 0) / durationMs.length;
    expect(mean / 2000).toBeCloseTo(Math.exp(0.125), 1);
  });

  it("scale cross-validation to exactly the work that is asked for", () => {
    const workload = generate("crossv:2,models=2,params=3,core-s=500", 1);
    const training = workload.kinds.map(({ request }) => request.cpus > 0);
    const work = workload.durationMs.reduce(
      (sum, ms, task) => sum + (training[workload.kind[task]] ? ms : 0),
      0,
    );
    expect(work / 1000).toBeCloseTo(500, 6);
    expect(totalMs(workload)).toBeGreaterThan(work);
    // 2 data sets: 1 load, 5 × (slice, merge), 25 × (slice, merge), then per model 5 × (15 trainings and
    // evaluations, best, training, evaluation) and a mean.
    expect(workload.taskCount).toBe(2 * (1 + 10 + 50 + 2 * (5 * 33 + 1)));
  });

  it("turn files into tasks, outputs of several into elements", () => {
    const file = {
      name: "two",
      tasks: [
        { id: "user", duration: 2, cpus: 3, inputs: [["maker", 1]], outputs: [7] },
        {
          id: "maker",
          duration: 1,
          expectedDuration: 4,
          cpus: 1,
          inputs: [],
          outputs: [10, 20, 30],
        },
      ],
    };
    const workload = graphWorkload(readGraphFile(file, "two.json"));
    expect([...workload.durationMs]).toEqual([1000, 0, 2000]);
    expect([...workload.outputBytes]).toEqual([60, 20, 7]);
    expect([...(workload.expectedMs ?? [])]).toEqual([4000, 0, 2000]);
    expect([0, 1, 2].map((task) => inputsOf(workload, task))).toEqual([[], [0], [1]]);
    expect([0, 1, 2].map((task) => workload.kinds[workload.kind[task]].request.cpus)).toEqual([
      1, 0, 3,
    ]);
  });
});

it("random numbers are spread evenly, and are others for each stream", () => {
  const random = new Random(42);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  expect(new Random(42, 1).next32()).not.toBe(new Random(42, 0).next32());
  expect(new Random(2 ** 40).next32()).not.toBe(new Random(0).next32());
});

describe("texts", () => {
  it("with units", () => {
    expect(readTimeMs("1.5min", "t")).toBe(90_000);
    expect(readTimeMs("100us", "t")).toBe(0.1);
    expect(readTimeMs("3", "t")).toBe(3000);
    expect(generate("fanout:1,ms=2e3", 1).durationMs).toEqual(Float64Array.of(2000));
    expect(readBytes("1.5KiB", "b")).toBe(1536);
    expect(readBytesPerMs("1MB/s", "b")).toBe(1000);
    expect(readBytesPerMs("inf", "b")).toBe(Number.POSITIVE_INFINITY);
  });

  it("of workers and faults", () => {
    expect(readWorkers("2x8,gpus=2,mem=1GiB,speed=0.5", "w")).toEqual(
      new Array(2).fill({
        cpus: 8,
        speed: 0.5,
        memoryBytes: 2 ** 30,
        resources: [
          { name: "gpus", amount: 2, indices: ["0", "1"] },
          { name: "mem", amount: 2 ** 30, indices: [] },
        ],
      }),
    );
    expect(readFault("join:at=2,cpus=3,gpus=1", "f")).toMatchObject({
      kind: "join",
      atMs: 2000,
      spec: { cpus: 3, resources: [{ name: "gpus" }] },
    });
    expect(readFaultRate("7:0.5", "f")).toEqual({ seed: 7, perWorkerHour: 0.5 });
  });

  it.each([
    [() => generate("boom:3", 1, "--generate"), /--generate boom:3 is no generator; use fanout:N/],
    [() => generate("fanout:-3", 1), /the size of fanout -3 is not a whole number/],
    [() => generate("fanout:3x3", 1), /the size of fanout is N, .*not 3x3/],
    [() => generate("layers:100000x100000", 1), /at most 100000000 tasks/],
    [() => generate("fanout:3,ms=-1", 1), /ms -1 is not a time/],
    [() => generate("fanout:3,ms=1,ms=2", 1), /ms is given twice/],
    [() => generate("fanout:3,,", 1), /nothing between two commas/],
    [() => generate("fanout:3,foo=1", 1), /foo is not known here; use ms, sigma/],
    [
      () => readWorkers("0x4", "--workers 0x4"),
      /--workers 0x4 does not begin with workers x cores/,
    ],
    [() => readWorkers("8x", "w"), /does not begin with workers x cores/],
    [() => readWorkers("8x4,gpus=many", "w"), /w: gpus many is not a size/],
    [() => readWorkers("8x4,cpus=2", "w"), /cpus is not a name for a resource/],
    [() => readWorkers("8x4,speed=0", "w"), /speed 0 is not a number from 0.001/],
    [() => readFault("die:worker=1", "f"), /f: at is missing/],
    [() => readFault("die:worker=1,at=1,x=2", "f"), /x is not known here; use worker, at/],
    [() => readFault("slow:worker=1,at=1,factor=0", "f"), /factor 0 is not a number/],
    [() => readFault("sleep:worker=1", "f"), /f is not a fault; use die/],
    [() => readFaultRate("7", "f"), /f is not SEED:RATE/],
    [() => readBytesPerMs("0", "--bandwidth"), /--bandwidth 0 would never move a byte/],
    [() => readBytes("3 parsec", "b"), /b 3 parsec is not a size/],
    [() => readTimeMs("", "t"), /t "" is not a time/],
    [() => readTimeMs("1e999", "t"), /t 1e999 is too much; at most 1000000000 s$/],
    [() => readTimeMs("300000h", "--until"), /--until 300000h is too much/],
    [() => readBytes("9000TiB", "b"), /b 9000TiB is too much; at most 8192 TiB$/],
    [() => readBytesPerMs("1e-9", "--bandwidth"), /--bandwidth 1e-9 is too little; .* 1 B\/s$/],
    [
      () => generate("fanout:3,ms=1e300", 1, "--generate:"),
      /--generate: fanout: ms 1e300ms is too/,
    ],
    [
      () => generate("fork:3,ms=1e8s,sigma=10", 1, "--generate:"),
      /^--generate: fork:3,ms=1e8s,sigma=10: task \d would take [\d.e+]+ s, at most 1000000000 s can be simulated/,
    ],
    [
      () => generate("fork:3,bytes=1e15,bytes-sigma=9", 1, "g:"),
      /^g: fork:3,.*: task \d would make [\d.e+]+ bytes, at most 9007199254740992 can/,
    ],
  ])("%# that are wrong are refused in one line", (read, message) => {
    expect(read).toThrow(message);
  });
});
