/**
 * The ways to learn that the demo compares: classifier.mjs with several learning rates and
 * numbers of rounds, and libsvm's programs where they are installed. Called by demo.ts.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Task, tasks } from "hyperloom";
import type { Learner } from "./pipeline.js";

const CLASSIFIER = [process.execPath, fileURLToPath(new URL("classifier.mjs", import.meta.url))];
const RATES = [0.01, 0.1, 1];
const ROUNDS = [10, 100, 1000];
const SVM_COSTS = [0.1, 1, 10];

/** Learners that this machine can run. */
export function availableLearners(): Learner[] {
  const learners = RATES.flatMap((rate) => ROUNDS.map((rounds) => softmax(rate, rounds)));
  if (isInstalled("svm-train") && isInstalled("svm-predict")) {
    learners.push(...SVM_COSTS.map(supportVectors));
  }
  return learners;
}

/** "CORRECT TOTAL" of predictions. */
export function score(predictions: Task<Buffer>, data: Task<Buffer>): Task<Buffer> {
  return tasks.run([...CLASSIFIER, "score", "predictions", "data"], {
    inputs: { predictions, data },
  });
}

function softmax(rate: number, rounds: number): Learner {
  const settings = ["--rate", String(rate), "--rounds", String(rounds)];
  return {
    name: `softmax, rate ${rate}, ${rounds} rounds`,
    train: (data) =>
      tasks.run([...CLASSIFIER, "train", "data", "model", ...settings], {
        inputs: { data },
        outputs: ["model"],
      }),
    predict: (model, data) =>
      tasks.run([...CLASSIFIER, "predict", "model", "data"], { inputs: { model, data } }),
  };
}

function supportVectors(cost: number): Learner {
  return {
    name: `libsvm, cost ${cost}`,
    train: (data) =>
      tasks.run(["svm-train", "-q", "-c", String(cost), "data", "model"], {
        inputs: { data },
        outputs: ["model"],
      }),
    predict: (model, data) =>
      tasks.run(["svm-predict", "data", "model", "predictions"], {
        inputs: { model, data },
        outputs: ["predictions"],
      }),
  };
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
