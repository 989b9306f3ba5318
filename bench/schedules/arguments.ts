/** The command line of `npm run bench:schedule`. Called by schedule.ts. */
import { parseArgs } from "node:util";
import type { StudyInformation } from "../../src/simulation/index.js";

export interface ScheduleArguments {
  /** Undefined: all that have published makespans. */
  graphs: readonly string[] | undefined;
  clusters: readonly { name: string; workerCount: number; cores: number }[];
  /** MiB/s */
  bandwidths: readonly number[];
  mode: StudyInformation;
  /** `core`: the production scheduler decides; `lookahead`: its plan is followed as it is. */
  plan: "core" | "lookahead";
  /** Simulated events that the lookahead may use per graph. */
  budget: number;
  json: string | undefined;
}

const MODES: readonly string[] = ["exact", "user", "mean"] satisfies StudyInformation[];

/** @throws Error in one line for a flag, graph, cluster or number that can't be used */
export function readScheduleArguments(
  argv: string[],
  knownGraphs: readonly string[],
): ScheduleArguments {
  const { values } = parseArgs({
    args: argv,
    options: {
      graph: { type: "string", multiple: true },
      cluster: { type: "string", multiple: true, default: ["8x4", "32x4"] },
      bandwidth: { type: "string", multiple: true, default: ["32", "512", "8192"] },
      mode: { type: "string", default: "exact" },
      plan: { type: "string", default: "core" },
      budget: { type: "string" },
      json: { type: "string" },
    },
  });
  const unknown = values.graph?.find((name) => !knownGraphs.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--graph ${unknown} is not known; use one of ${knownGraphs.join(", ")}`);
  }
  const { mode, plan, budget } = values;
  if (!MODES.includes(mode))
    throw new Error(`--mode ${mode} is not known; use ${MODES.join(", ")}`);
  if (plan !== "core" && plan !== "lookahead") {
    throw new Error(`--plan ${plan} is not known; use core or lookahead`);
  }
  if (budget !== undefined && plan !== "lookahead") {
    throw new Error("--budget is for --plan lookahead");
  }
  return {
    graphs: values.graph,
    clusters: values.cluster.map(readCluster),
    bandwidths: values.bandwidth.map((text) => positive("--bandwidth", text)),
    mode: mode as StudyInformation,
    plan,
    budget: budget === undefined ? Number.POSITIVE_INFINITY : positive("--budget", budget),
    json: values.json,
  };
}

function readCluster(name: string) {
  const [, workers, cores] = /^(\d{1,4})x(\d{1,4})$/.exec(name) ?? [];
  if (Number(workers) > 0 && Number(cores) > 0) {
    return { name, workerCount: Number(workers), cores: Number(cores) };
  }
  throw new Error(`--cluster ${name} is not like 8x4: 8 workers with 4 cores`);
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new Error(`${flag} ${text} is not a number above 0`);
}
