/**
 * `npm run bench:all [-- --name NAME]`: every measurement that goes into docs/performance.md, each into a
 * file of bench/results that begins with NAME (default: today's date), then the page itself. A step
 * that fails does not stop the others; the last lines say which did. Takes about half an hour: on a
 * machine that does nothing else.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROFILED = ["server-fanout-100k", "server-layers-41k"];

interface Step {
  script: string;
  args: readonly string[];
}

/** Simulations: what they find does not depend on the machine, and each takes minutes. */
const SIMULATIONS = { "bench:schedule": "schedule", "bench:scaling": "scaling" };

/** @param name what the files' names begin with */
function steps(name: string): Step[] {
  const flags = (flag: string, values: readonly string[]): string[] =>
    values.flatMap((value) => [flag, value]);
  return [
    { script: "bench", args: ["--json", `${name}.json`] },
    { script: "bench", args: ["--peer", "dask", "--json", `${name}-dask.json`] },
    {
      script: "bench",
      args: [
        "--profile",
        ...flags("--case", PROFILED),
        ...flags("--workers", ["64", "256"]),
        ...["--repeat", "20", "--json", `${name}-profile.json`],
      ],
    },
    ...Object.entries(SIMULATIONS).map(([script, suffix]) => ({
      script,
      args: ["--json", `${name}-${suffix}.json`],
    })),
    { script: "bench:docs", args: [] },
  ];
}

const { values } = parseArgs({ options: { name: { type: "string" } } });
const failed = steps(values.name ?? new Date().toISOString().slice(0, 10)).filter(
  ({ script, args }) => {
    console.log(`\n=== npm run ${script} -- ${args.join(" ")}`);
    const flags = ["run", "--silent", script, "--", ...args];
    return spawnSync("npm", flags, { cwd: ROOT, stdio: "inherit" }).status !== 0;
  },
);
for (const { script, args } of failed) {
  console.error(`bench:all: failed: npm run ${script} -- ${args.join(" ")}`);
}
if (failed.length > 0) process.exitCode = 1;
