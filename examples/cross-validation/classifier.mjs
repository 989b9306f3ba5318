#!/usr/bin/env node
/**
 * A small classifier as a program of its own, run by the pipeline's tasks: softmax regression
 * on standardized features, trained by batch gradient descent. Files are in libsvm format
 * ("LABEL 1:VALUE 2:VALUE …" a line). Deterministic: the same data gives the same model.
 *
 *   classifier.mjs train DATA MODEL --rate R --rounds N [--penalty P]
 *   classifier.mjs predict MODEL DATA        one label a line on standard output
 *   classifier.mjs score PREDICTIONS DATA    "CORRECT TOTAL" on standard output
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

/** Lines of a file in libsvm format as {label, features}. */
function readSamples(path) {
  const samples = [];
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (line.trim() === "") continue;
    const [label, ...pairs] = line.trim().split(/\s+/);
    const features = [];
    for (const pair of pairs) {
      const [position, value] = pair.split(":").map(Number);
      if (!(position >= 1) || Number.isNaN(value)) {
        fail(`${path}, line ${index + 1}: "${pair}" is not POSITION:VALUE`);
      }
      features[position - 1] = value;
    }
    samples.push({ label, features });
  }
  if (samples.length === 0) fail(`${path} has no samples`);
  return samples;
}

function train(data, modelPath, { rate, rounds, penalty }) {
  const samples = readSamples(data);
  const width = Math.max(...samples.map(({ features }) => features.length));
  const mean = column(width, (j) => average(samples.map(({ features }) => features[j] ?? 0)));
  const scale = column(width, (j) => {
    const variance = average(samples.map(({ features }) => ((features[j] ?? 0) - mean[j]) ** 2));
    return Math.sqrt(variance) || 1;
  });
  const labels = [...new Set(samples.map(({ label }) => label))].sort();
  // One row of weights a label; the last weight is the constant.
  const model = { labels, mean, scale, weights: labels.map(() => column(width + 1, () => 0)) };
  const inputs = samples.map(({ features }) => standardize(model, features));
  for (let round = 0; round < rounds; round++) descend(model, samples, inputs, rate, penalty);
  writeFileSync(modelPath, JSON.stringify(model));
}

/** One step of gradient descent on the mean cross-entropy. */
function descend({ labels, weights }, samples, inputs, rate, penalty) {
  const gradient = weights.map((row) => row.map((weight) => weight * penalty));
  samples.forEach(({ label }, i) => {
    const probabilities = softmax(weights.map((row) => dot(row, inputs[i])));
    labels.forEach((candidate, c) => {
      const error = probabilities[c] - (candidate === label ? 1 : 0);
      inputs[i].forEach((value, j) => {
        gradient[c][j] += (error * value) / samples.length;
      });
    });
  });
  weights.forEach((row, c) => {
    row.forEach((_, j) => {
      row[j] -= rate * gradient[c][j];
    });
  });
}

function predict(modelPath, data) {
  const model = JSON.parse(readFileSync(modelPath, "utf8"));
  for (const { features } of readSamples(data)) {
    const input = standardize(model, features);
    const scores = model.weights.map((row) => dot(row, input));
    console.log(model.labels[scores.indexOf(Math.max(...scores))]);
  }
}

function score(predictionsPath, data) {
  const predictions = readFileSync(predictionsPath, "utf8").trim().split("\n");
  const samples = readSamples(data);
  if (predictions.length !== samples.length) {
    fail(`${predictions.length} predictions for ${samples.length} samples`);
  }
  const correct = samples.filter(({ label }, i) => label === predictions[i]).length;
  console.log(`${correct} ${samples.length}`);
}

function standardize({ mean, scale }, features) {
  return [...mean.map((value, j) => ((features[j] ?? 0) - value) / scale[j]), 1];
}

function softmax(scores) {
  const highest = Math.max(...scores);
  const powers = scores.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

function dot(row, input) {
  return row.reduce((sum, weight, j) => sum + weight * input[j], 0);
}

function average(values) {
  return values.reduce((a, b) => a + b) / values.length;
}

function column(length, valueAt) {
  return Array.from({ length }, (_, j) => valueAt(j));
}

function fail(message) {
  process.stderr.write(`classifier: ${message}\n`);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rate: { type: "string", default: "0.1" },
    rounds: { type: "string", default: "100" },
    penalty: { type: "string", default: "0" },
  },
});
const [command, first, second] = positionals;
if (second === undefined) fail("usage: classifier.mjs train|predict|score FILE FILE");
if (command === "train") {
  train(first, second, {
    rate: Number(values.rate),
    rounds: Number(values.rounds),
    penalty: Number(values.penalty),
  });
} else if (command === "predict") predict(first, second);
else if (command === "score") score(first, second);
else fail(`unknown command ${command}; use train, predict or score`);
