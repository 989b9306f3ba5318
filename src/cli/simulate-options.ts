/** Arguments and flags of `loom simulate`, for the table of commands (options.ts). */
import { type CommandSpec, DEBUG } from "./command-spec.js";
import { countOf, listInPlaceOf, listOf } from "./values.js";

export interface SimulateFlags {
  graph?: string;
  generate?: string;
  trace?: string;
  run?: string;
  workers: string[];
  bandwidth: string;
  latency: string;
  free?: true;
  information: string;
  seed: number;
  fault?: string[];
  faults?: string;
  until?: string;
  json?: true;
  debug?: true;
}

/** A default of one element; it is known by its identity. */
export const DEFAULT_CLUSTER = ["8x4"];

export const SIMULATE: CommandSpec = {
  name: "simulate",
  summary: "simulate a workload on a cluster",
  details:
    "Executes a graph of tasks on virtual time, with the same scheduler and worker logic as a real cluster, and reports " +
    "how long it takes, how far that is from the lower bound, and where the time went. " +
    "docs/simulation.md explains the model, the generators and the report. " +
    "Ends with code 1 when not all tasks can be finished; with code 0 also when --until ended it before they were.",
  arguments: [],
  options: [
    { flags: "--graph <file>", description: "tasks from a graph file (.json, .json.gz)" },
    {
      flags: "--generate <spec>",
      description:
        "generated tasks: fanout:N, chain:N, fork:N, tree:N, layers:WxL, random:N or crossv:N, with parameters such as fanout:1000,ms=50,sigma=1",
    },
    {
      flags: "--trace <dir>",
      description:
        "the finished tasks of a trace, as long and as large as they were; --workers is then its cluster unless given",
    },
    {
      flags: "--run <id>",
      description:
        "with --trace: the trace whose id begins like this, if the directory has several",
    },
    {
      flags: "--workers <spec>",
      description:
        "workers x cores, with what else each has: 2x24,gpus=2,mem=64GiB,speed=0.5; can be given several times",
      parse: listInPlaceOf(DEFAULT_CLUSTER),
      default: DEFAULT_CLUSTER,
    },
    {
      flags: "--bandwidth <rate>",
      description: "what a worker sends, and receives, at most; inf: no limit",
      default: "1GiB/s",
    },
    { flags: "--latency <time>", description: "a message's way", default: "100us" },
    {
      flags: "--free",
      description: "messages, server and workers take no time, only tasks and transfers do",
    },
    {
      flags: "--information <mode>",
      description:
        "what the scheduler is told of durations and sizes: none, exact, or user (the graph file's estimates)",
      default: "none",
    },
    {
      flags: "--seed <n>",
      description: "for generated tasks",
      parse: countOf("--seed", "a seed", 0, Number.MAX_SAFE_INTEGER),
      default: 1,
    },
    {
      flags: "--fault <spec>",
      description:
        "die:worker=3,at=10s, slow:worker=2,at=5s,factor=0.2 or join:at=20s,cpus=24; can be given several times",
      parse: listOf,
    },
    {
      flags: "--faults <seed:rate>",
      description: "random faults, so many per worker and hour: 7:0.5",
    },
    { flags: "--until <time>", description: "simulate no further, such as 1h" },
    { flags: "--json", description: "print JSON, for programs" },
    DEBUG,
  ],
  examples: [
    "loom simulate --generate fanout:100000,ms=20,sigma=1 --workers 64x24",
    "loom simulate --graph montage.json --workers 8x4 --workers 2x24,gpus=2 --bandwidth 512MiB/s",
    "loom simulate --trace /shared/trace --workers 16x4",
    "loom simulate --generate crossv:10 --fault die:worker=3,at=10s --json",
  ],
};
