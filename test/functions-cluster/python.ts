/** Python functions as short texts: what most tests of this folder call. */
import { type Task, tasks } from "hyperloom";

type Options = Omit<Parameters<typeof tasks.pythonSource>[1], "function">;

/** Calls `f` of the source. */
export function python<T = Buffer>(source: string, options: Options = {}): Task<T> {
  return tasks.pythonSource<T>(source, { function: "f", ...options });
}

/** A Python function of its inputs, as one expression. */
export function expression<T = Buffer>(
  parameters: string,
  text: string,
  ...inputs: NonNullable<Options["inputs"]>
): Task<T> {
  return python<T>(`def f(${parameters}):\n  return ${text}`, { inputs });
}
