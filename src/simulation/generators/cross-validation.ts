/**
 * Nested cross-validation, as in HyperLoom's pharmaceutical machine-learning pipeline: for each data set
 * and model, outer folds estimate how good the model is, inner folds choose its parameters.
 *
 *     data set ─ slice per fold ─ merge of the other folds ─┬─ (inner: the same again)
 *                                                           └─ train × parameters ─ evaluate ─ best
 *                                                                       train again ─ evaluate ─ mean
 *
 * Slices, merges, evaluations and reductions are light; trainings hold a core. Durations of trainings
 * spread over several orders of magnitude: by model, by parameter, and by chance.
 */

import type { WorkloadBuilder } from "../workload.js";
import { type Generator, type GeneratorValues, TaskMaker } from "./parameters.js";

const DEFAULTS = { outer: 5, inner: 5, params: 20, models: 4 };

/** Of a fold's part of the data. */
const SLICE_BYTES = 2e6;
const MODEL_BYTES = 200e3;
const SCORE_BYTES = 48;
/** Medians of light tasks: slicing and merging are fast, evaluating takes some milliseconds. */
const SLICE_MS = 0.5;
const MERGE_MS = 1.5;
const EVALUATE_MS = 4;
const REDUCE_MS = 0.3;
const LIGHT_SIGMA = 0.8;

export const crossv: Generator = {
  name: "crossv",
  size: "N",
  summary: "nested cross-validation of N data sets",
  parameters: [
    ["models", "4", "models for each data set"],
    ["outer", "5", "outer folds"],
    ["inner", "5", "inner folds"],
    ["params", "20", "combinations of parameters tried"],
    ["label-params", "0", "1: each combination of parameters has a label of its own"],
    ["core-s", "0", "core-seconds of all trainings, scaled to exactly this; 0: as drawn"],
    ["max-ms", "300s", "no training is longer, before it is scaled"],
  ],
  build(builder, [dataSets], values) {
    new CrossValidation(builder, values).build(dataSets);
  },
};

class CrossValidation {
  private readonly load: TaskMaker;
  private readonly slice: TaskMaker;
  private readonly merge: TaskMaker;
  private readonly evaluate: TaskMaker;
  private readonly best: TaskMaker;
  private readonly mean: TaskMaker;
  private readonly models: number;
  private readonly outer: number;
  private readonly inner: number;
  private readonly params: number;
  private readonly trainings: number[] = [];
  private readonly trainingMs: number[] = [];

  constructor(
    private readonly builder: WorkloadBuilder,
    private readonly values: GeneratorValues,
  ) {
    this.models = values.count("models", DEFAULTS.models, 100_000);
    this.outer = Math.max(2, values.count("outer", DEFAULTS.outer, 1000));
    this.inner = Math.max(2, values.count("inner", DEFAULTS.inner, 1000));
    this.params = values.count("params", DEFAULTS.params, 100_000);
    const light = (label: string, ms: number, bytes: number) =>
      new TaskMaker(builder, values.random, {
        label,
        request: { cpus: 0, amounts: [] },
        ms,
        sigma: LIGHT_SIGMA,
        bytes,
        bytesSigma: 0,
      });
    this.load = light("load", 20, SLICE_BYTES * this.outer);
    this.slice = light("slice", SLICE_MS, SLICE_BYTES);
    this.merge = light("merge", MERGE_MS, SLICE_BYTES * (this.outer - 1));
    this.evaluate = light("evaluate", EVALUATE_MS, SCORE_BYTES);
    this.best = light("best", REDUCE_MS, SCORE_BYTES);
    this.mean = light("mean", REDUCE_MS, SCORE_BYTES);
  }

  build(dataSets: number): void {
    const trainers = Array.from({ length: this.models }, (_, model) => this.trainer(model));
    for (let i = 0; i < dataSets; i++) {
      const data = this.load.add();
      // The models of a data set share its folds.
      const folds = this.folds(data, this.outer);
      const innerFolds = folds.map(({ rest }) => this.folds(rest, this.inner));
      for (const trainer of trainers) this.validate(trainer, folds, innerFolds);
    }
    this.setDurations();
  }

  /** Slices of `data`, and of each the others merged. */
  private folds(data: number, count: number): Fold[] {
    const parts = Array.from({ length: count }, () => this.slice.add(data));
    return parts.map((part) => {
      const others = parts.filter((other) => other !== part);
      const rest = this.merge.add(others[0]);
      for (const other of others.slice(1)) this.builder.input(other);
      return { part, rest };
    });
  }

  private validate(trainer: Trainer, folds: Fold[], innerFolds: Fold[][]): void {
    const { builder, params } = this;
    const scores: number[] = [];
    folds.forEach(({ part, rest }, k) => {
      const tried: number[] = [];
      for (let p = 0; p < params; p++) {
        for (const inner of innerFolds[k]) {
          const model = this.train(trainer, inner.rest, p);
          tried.push(this.evaluate.add(model));
          builder.input(inner.part);
        }
      }
      const best = this.best.add(tried[0]);
      for (const score of tried.slice(1)) builder.input(score);
      // Any parameter may turn out to be the best.
      const chosen = this.values.random.below(params);
      const model = this.train(trainer, rest, chosen);
      builder.input(best);
      scores.push(this.evaluate.add(model));
      builder.input(part);
    });
    this.mean.add(scores[0]);
    for (const score of scores.slice(1)) builder.input(score);
  }

  private train(trainer: Trainer, data: number, param: number): number {
    const paramFactor = trainer.paramFactors[param];
    const ms = trainer.medianMs * paramFactor * this.values.random.logNormal(1, 0.4);
    const task = this.builder.task(trainer.kinds[param], 0, MODEL_BYTES, data);
    this.trainings.push(task);
    this.trainingMs.push(Math.min(ms, this.values.timeMs("max-ms", 300_000)));
    return task;
  }

  /** A model: how long its trainings take, depending on the parameters. */
  private trainer(model: number): Trainer {
    const { random } = this.values;
    const request = { cpus: 1, amounts: [] };
    const ownLabels = this.values.number("label-params", 0, 0, 1) === 1;
    const shared = ownLabels ? -1 : this.builder.kind(`train-${model}`, request);
    const kinds = Array.from({ length: this.params }, (_, param) =>
      ownLabels ? this.builder.kind(`train-${model}-${param}`, request) : shared,
    );
    return {
      kinds,
      medianMs: random.logNormal(800, 0.9),
      paramFactors: Array.from({ length: this.params }, () => random.logNormal(1, 1.1)),
    };
  }

  private setDurations(): void {
    const { trainings, trainingMs } = this;
    const totalMs = trainingMs.reduce((sum, ms) => sum + ms, 0);
    const wantedMs = 1000 * this.values.number("core-s", 0);
    const factor = wantedMs > 0 ? wantedMs / totalMs : 1;
    trainings.forEach((task, i) => {
      this.builder.setDuration(task, trainingMs[i] * factor);
    });
  }
}

interface Fold {
  readonly part: number;
  readonly rest: number;
}

interface Trainer {
  /** By parameters. */
  readonly kinds: readonly number[];
  readonly medianMs: number;
  readonly paramFactors: readonly number[];
}
