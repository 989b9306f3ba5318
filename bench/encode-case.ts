/**
 * What a plan costs the client, in TypeScript and in Python: making the task objects, submit()
 * (numbering, encoding, handing to the socket), and bytes on the wire. Called by cases.ts.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "hyperloom";
import { startCluster } from "./cluster.js";
import { startCountingProxy } from "./counting-proxy.js";
import type { PlanSpec } from "./plans.js";
import { type BenchCase, median, rounded } from "./record.js";
import { timePlan } from "./timed-plan.js";

const PYTHON_SCRIPT = fileURLToPath(new URL("encode_plans.py", import.meta.url));
const PYTHON_PACKAGE = fileURLToPath(new URL("../python", import.meta.url));

/** Seconds, the cold plan first. */
interface Times {
  build: number[];
  submit: number[];
}

type Measure = (address: string, repeat: number) => Promise<Times>;

/** The TypeScript client. */
export function encodeCase(plan: PlanSpec): BenchCase {
  return caseOf(`encode-${plan.name}`, plan, async (address, repeat) => {
    await using client = await Client.connect(address);
    const times: Times = { build: [], submit: [] };
    for (let i = 0; i <= repeat; i++) {
      const start = performance.now();
      const task = plan.build();
      times.build.push((performance.now() - start) / 1000);
      times.submit.push((await timePlan(client, task)).submitMs / 1000);
    }
    return times;
  });
}

/** The Python client. `args`: function in encode_plans.py and its arguments, for the same plan. */
export function pythonEncodeCase(plan: PlanSpec, ...args: (string | number)[]): BenchCase {
  return caseOf(`encode-py-${plan.name}`, plan, async (address, repeat) => {
    const python = process.env.LOOM_PYTHON ?? "python3";
    const { stdout } = await promisify(execFile)(
      python,
      [PYTHON_SCRIPT, address, String(repeat), ...args.map(String)],
      { env: { ...process.env, PYTHONPATH: PYTHON_PACKAGE } },
    );
    const times = JSON.parse(stdout) as { buildSeconds: number[]; submitSeconds: number[] };
    return { build: times.buildSeconds, submit: times.submitSeconds };
  });
}

function caseOf(name: string, plan: PlanSpec, measure: Measure): BenchCase {
  return {
    name,
    workers: "fixed",
    async run({ repeat }) {
      const workers = 1;
      const cluster = await startCluster(workers);
      try {
        const times = await measure(cluster.address, repeat);
        const proxy = await startCountingProxy(cluster.address);
        await measure(proxy.address, 0);
        await proxy.close();
        const tasks = plan.taskCount;
        const nanoseconds = (seconds: number): number => rounded((seconds * 1e9) / tasks);
        return {
          case: name,
          what: plan.what,
          workers,
          tasks,
          coldBuildNsPerTask: nanoseconds(times.build[0]),
          warmBuildNsPerTask: nanoseconds(median(times.build.slice(1))),
          coldSubmitNsPerTask: nanoseconds(times.submit[0]),
          warmSubmitNsPerTask: nanoseconds(median(times.submit.slice(1))),
          // With registration, release and status: some hundred bytes in all.
          planBytesPerTask: rounded(proxy.bytesFromClient / tasks),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}
