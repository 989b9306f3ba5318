/**
 * TypeScript functions, Python functions and programs in one pipeline: how sure is the slope of a
 * line through the flowers' measures? Many samples of the data are drawn again from the data, and each gets
 * a line: where the slopes lie is the answer (the bootstrap). README.md here has a picture.
 */
import { readFileSync } from "node:fs";
import { Client, type Context, type Data, jsTask, LoomError, type Task, tasks } from "hyperloom";
import { irisText } from "../cross-validation/iris-data.js";
import { showProgress } from "../progress-display.js";
import { drawAgain, leastSquaresSlope, readPoints, writePoints } from "./points.js";

const SPECIES = ["setosa", "versicolor", "virginica"];
const SAMPLES = 60;
/** Of all slopes, the part that lies in the interval. */
const LEVEL = 0.9;
const DIGITS = 4;

/** What a method says about one species. */
interface Estimate {
  low: number;
  middle: number;
  high: number;
}

// TypeScript functions. What they import and the constants that they use travel with them.

const drawSample = jsTask((seed: number, points: Data) =>
  writePoints(drawAgain(readPoints(points.text()), seed)),
);

const leastSquares = jsTask(
  (points: Data) => `${leastSquaresSlope(readPoints(points.text())).toFixed(DIGITS)}\n`,
);

const estimate = jsTask(
  (ctx: Context, name: string, sorted: Data) => {
    const slopes = sorted.text().trimEnd().split("\n").map(Number);
    ctx.log.info(`${name}: ${slopes.length} slopes from ${slopes[0]} to ${slopes.at(-1)}`);
    const at = (part: number) => slopes[Math.round(part * (slopes.length - 1))];
    const found: Estimate = {
      low: at((1 - LEVEL) / 2),
      middle: at(0.5),
      high: at((1 + LEVEL) / 2),
    };
    return ctx.wrap(found); // a value: the next function and the client get it as it is
  },
  { context: true },
);

const report = jsTask(
  (ctx: Context, species: string, ours: Data<Estimate>, theirs?: Data<Estimate>, agreed?: Data) =>
    ctx.wrap({
      species,
      leastSquares: ours.unwrap(),
      theilSen: theirs?.unwrap(),
      overlap: agreed?.json<{ overlap: number }>().overlap, // Python returned JSON
    }),
  { context: true },
);

// Python functions: a source that travels, and the name of a function in it.

const source = readFileSync(new URL("slopes.py", import.meta.url), "utf8");

function theilSen(points: Task<Buffer>): Task<Buffer> {
  return tasks.pythonSource(source, { function: "theil_sen", args: [DIGITS], inputs: [points] });
}

function agreement(species: string, ...slopes: Task<Buffer>[]): Task<Buffer> {
  return tasks.pythonSource(source, {
    function: "agreement",
    context: true,
    args: [species],
    inputs: slopes,
  });
}

// The pipeline: only tasks, nothing runs yet.

function sortNumbers(numbers: Task<Buffer>[]): Task<Buffer> {
  return tasks.run("sort -g", { stdin: tasks.merge(numbers), env: { LC_ALL: "C" } });
}

function pipelineOf(species: string, flowers: Task<Buffer>, withPython: boolean) {
  const label = SPECIES.indexOf(species) + 1;
  // "LABEL 1:LENGTH 2:WIDTH ..." a line
  const program = `$1 == ${label} { print $3, $5 }`;
  const points = tasks.run(["awk", "-F[ :]", program], { stdin: flowers });
  const samples = Array.from({ length: SAMPLES }, (_, seed) => drawSample(seed, points));

  const ours = sortNumbers(samples.map((sample) => leastSquares(sample)));
  const ourEstimate = estimate(`${species}, least squares`, ours);
  if (!withPython) return report(species, ourEstimate);

  const theirs = sortNumbers(samples.map(theilSen));
  const theirEstimate = estimate(`${species}, Theil-Sen`, theirs);
  return report(species, ourEstimate, theirEstimate, agreement(species, ours, theirs));
}

await using client = await Client.connect();
console.log(`Slopes of sepal width over length: ${SAMPLES} samples of ${SPECIES.length} species`);
const started = performance.now();
const reports = await run(true).catch((error) => {
  // No worker has a usable Python: the server refuses the plan and says why.
  if (!(error instanceof LoomError) || error.code !== "plan") throw error;
  console.log(`Going on without Python: ${error.message}`);
  return run(false);
});
const { tasks: counts } = await client.status();
const seconds = (performance.now() - started) / 1000;
console.log(`${counts.finished} tasks in ${seconds.toFixed(1)} s\n`);

console.log(`species     method         slope  ${100 * LEVEL} % lie in       agreement`);
for (const { species, leastSquares, theilSen, overlap } of reports) {
  console.log(row(species, "least squares", leastSquares));
  if (theilSen === undefined || overlap === undefined) continue;
  console.log(`${row("", "Theil-Sen", theilSen)}  ${(100 * overlap).toFixed(0).padStart(6)} %`);
}

function run(withPython: boolean) {
  const flowers = tasks.const(irisText());
  const endProgress = showProgress(client);
  const futures = client.submit(SPECIES.map((name) => pipelineOf(name, flowers, withPython)));
  return client.gather(futures).finally(endProgress);
}

function row(species: string, method: string, { low, middle, high }: Estimate): string {
  const [slope, from, to] = [middle, low, high].map((value) => value.toFixed(2).padStart(5));
  return `${species.padEnd(12)}${method.padEnd(14)} ${slope}  ${from} to ${to}`;
}
