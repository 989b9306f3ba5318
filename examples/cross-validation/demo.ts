/**
 * First part of `npm run demo`: 10-fold cross-validation on the Iris data set, every step a
 * program run by a cluster. Without LOOM_SERVER the cluster is started here and stopped at the end.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "hyperloom";
import { showProgress } from "../progress-display.js";
import { irisText } from "./iris-data.js";
import { availableLearners, score } from "./learners.js";
import { crossValidation, type FoldScore, parseScore } from "./pipeline.js";

/** `--folds N`: in how many chunks the data are cut. */
const { values: flags } = parseArgs({ options: { folds: { type: "string", default: "10" } } });
const FOLDS = Number(flags.folds);
if (!Number.isInteger(FOLDS) || FOLDS < 2 || FOLDS > 50) {
  console.error(`demo: --folds ${flags.folds} is not a whole number from 2 to 50`);
  process.exit(2);
}

const interrupted = new AbortController();
const interrupt = (signal: string) => interrupted.abort(new Error(`stopped by ${signal}`));
process.once("SIGINT", interrupt).once("SIGTERM", interrupt);

const folder = mkdtempSync(join(tmpdir(), "loom-demo-"));
try {
  await runDemo(folder, interrupted.signal);
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  console.error(`demo: ${(interrupted.signal.reason as Error).message}`);
  process.exitCode = 130;
} finally {
  rmSync(folder, { recursive: true });
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
}

async function runDemo(dataFolder: string, signal: AbortSignal): Promise<void> {
  const dataPath = join(dataFolder, "iris.txt");
  const text = irisText();
  writeFileSync(dataPath, text);
  const samples = text.trimEnd().split("\n").length;
  const learners = availableLearners();
  console.log(`${FOLDS}-fold cross-validation: ${samples} flowers, ${learners.length} learners`);

  const started = performance.now();
  await using client = await Client.connect(undefined, { signal });
  const ready = performance.now();
  const { workers } = await client.status();
  const cpus = workers.reduce((sum, worker) => sum + worker.cpus, 0);
  console.log(`Cluster with ${cpus} cpus, up in ${seconds(ready - started)}`);

  const endProgress = showProgress(client);
  const result = client.submitOne(
    crossValidation({ dataPath, samples, folds: FOLDS, learners, score }),
  );
  const texts = await result.gather({ signal }).finally(endProgress);
  const { tasks: counts } = await client.status();
  console.log(`${counts.finished} tasks in ${seconds(performance.now() - ready)}\n`);
  printTable(
    learners.map(({ name }) => name),
    texts.map((folds) => folds.map(parseScore)),
  );
}

/** Accuracy in percent: a line a learner, a column a fold, the mean, the best learner. */
function printTable(names: string[], scores: FoldScore[][]): void {
  const width = Math.max(...names.map((name) => name.length));
  const heads = Array.from({ length: FOLDS }, (_, i) => `#${i + 1}`.padStart(4));
  console.log(`${"accuracy in %, fold".padEnd(width)} ${heads.join("")}    mean`);
  const means = scores.map((folds) => mean(folds.map(({ correct, total }) => correct / total)));
  names.forEach((name, i) => {
    const cells = scores[i].map(({ correct, total }) => percent(correct / total, 0).padStart(4));
    console.log(`${name.padEnd(width)} ${cells.join("")}  ${percent(means[i], 1).padStart(6)}`);
  });
  const best = means.indexOf(Math.max(...means));
  console.log(`\nBest: ${names[best]}, mean accuracy ${percent(means[best], 1)} %`);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(fraction: number, digits: number): string {
  return (100 * fraction).toFixed(digits);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
