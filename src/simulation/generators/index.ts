/**
 * Workloads made from a specification such as "layers:100x20,ms=50,sigma=1" and a seed. Owns the list of
 * generators and the reading of specifications.
 */
import { LoomError } from "../../base/index.js";
import { MAX_BYTES, MAX_SECONDS, readCount } from "../amounts.js";
import { NamedValues } from "../named-values.js";
import { Random } from "../random.js";
import { type Workload, WorkloadBuilder } from "../workload.js";
import { crossv } from "./cross-validation.js";
import { COMMON, type Generator, GeneratorValues } from "./parameters.js";
import { chain, fanout, fork, layers, random, tree } from "./shapes.js";

export type { Generator };

/** All of them. */
export const GENERATORS: readonly Generator[] = [fanout, chain, fork, tree, layers, random, crossv];

const MAX_TASKS = 100_000_000;

/**
 * Makes a workload.
 *
 * @param spec NAME:SIZE, then parameters: "fanout:100000,ms=10,sigma=1"
 * @param seed the same one makes the same workload
 * @param what names the specification in errors, e.g. "--generate"
 * @throws LoomError `usage`
 */
export function generate(spec: string, seed: number, what = "generator:"): Workload {
  const [, name, sizeText, rest] = /^([a-z]+):([^,]*)(?:,(.*))?$/.exec(spec) ?? [];
  const generator = GENERATORS.find((candidate) => candidate.name === name);
  if (generator === undefined) {
    const known = GENERATORS.map((each) => `${each.name}:${each.size}`).join(", ");
    throw new LoomError("usage", `${what} ${spec || '""'} is no generator; use ${known}`);
  }
  const size = sizeText
    .split("x")
    .map((text) => readCount(text, `${what} the size of ${name}`, 1, MAX_TASKS));
  const wanted = generator.size.split(" or ").map((form) => form.split("x").length);
  if (!wanted.includes(size.length) || size.reduce((a, b) => a * b, 1) > MAX_TASKS) {
    throw new LoomError(
      "usage",
      `${what} the size of ${name} is ${generator.size}, at most ${MAX_TASKS} tasks, not ${sizeText}`,
    );
  }
  const known = [...COMMON, ...generator.parameters].map(([parameter]) => parameter);
  const values = new NamedValues(rest ?? "", `${what} ${name}`, known);
  const builder = new WorkloadBuilder(spec);
  generator.build(builder, size, new GeneratorValues(values, new Random(seed)));
  const workload = builder.finish();
  checkAmounts(workload, `${what} ${spec}`);
  return workload;
}

/** Medians are small enough, but what is drawn, multiplied or scaled may not be. */
function checkAmounts({ taskCount, durationMs, outputBytes }: Workload, what: string): void {
  for (let task = 0; task < taskCount; task++) {
    if (!(durationMs[task] <= 1000 * MAX_SECONDS)) {
      throw new LoomError(
        "usage",
        `${what}: task ${task} would take ${(durationMs[task] / 1000).toPrecision(4)} s, at most ${MAX_SECONDS} s can be simulated; give smaller times or a smaller sigma`,
      );
    }
    if (!(outputBytes[task] <= MAX_BYTES)) {
      throw new LoomError(
        "usage",
        `${what}: task ${task} would make ${outputBytes[task].toPrecision(4)} bytes, at most ${MAX_BYTES} can be simulated; give smaller bytes or a smaller bytes-sigma`,
      );
    }
  }
}
