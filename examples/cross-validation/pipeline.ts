/**
 * k-fold cross-validation as a pipeline: for every fold, train on all other chunks of the
 * data, predict the held-out chunk, count what is right. Only builds tasks; demo.ts submits
 * them.
 */
import { type Task, tasks } from "hyperloom";

/** A way to learn: programs that train and predict, and what to call them. */
export interface Learner {
  name: string;
  train(data: Task<Buffer>): Task<Buffer>;
  predict(model: Task<Buffer>, data: Task<Buffer>): Task<Buffer>;
}

/** Correct predictions and predictions of one fold. */
export interface FoldScore {
  correct: number;
  total: number;
}

export interface CrossValidation {
  dataPath: string;
  /** Lines of the file. */
  samples: number;
  folds: number;
  learners: readonly Learner[];
  /** The program "classifier.mjs score". */
  score(predictions: Task<Buffer>, data: Task<Buffer>): Task<Buffer>;
}

/** One task whose result has, for every learner, one score text for every fold. */
export function crossValidation(options: CrossValidation): Task<Buffer[][]> {
  const { dataPath, samples, folds, learners, score } = options;
  const lines = tasks.split(tasks.open(dataPath));
  const chunks = Array.from({ length: folds }, (_, i) =>
    tasks.slice(lines, Math.floor((i * samples) / folds), Math.floor(((i + 1) * samples) / folds)),
  );
  // Shared by all learners, so each is computed once.
  const trainingSets = chunks.map((held) => tasks.merge(chunks.filter((chunk) => chunk !== held)));
  return tasks.arrayMake(
    learners.map(({ name, train, predict }) =>
      tasks.arrayMake(
        chunks.map((held, fold) => {
          const label = `${name}, fold ${fold + 1}`;
          const model = train(trainingSets[fold]).withLabel(`train ${label}`);
          const predictions = predict(model, held).withLabel(`predict ${label}`);
          return score(predictions, held).withLabel(`score ${label}`);
        }),
      ),
    ),
  );
}

/** Reads what "classifier.mjs score" prints. */
export function parseScore(text: Buffer): FoldScore {
  const [correct, total] = text.toString().trim().split(" ").map(Number);
  return { correct, total };
}
