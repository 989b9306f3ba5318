/** Plans of functions that do nothing: what a call costs. Called by cases.ts. */
import { jsTask, type Task, tasks } from "hyperloom";
import type { PlanSpec } from "./plans.js";

const javascriptFunction = jsTask(() => "x");

export function javascriptCalls(count: number): PlanSpec {
  return calls("js", "TypeScript", count, () => javascriptFunction());
}

export function pythonCalls(count: number): PlanSpec {
  const source = "def f():\n    return b'x'\n";
  return calls("py", "Python", count, () => tasks.pythonSource(source, { function: "f" }));
}

function calls(name: string, language: string, count: number, call: () => Task): PlanSpec {
  return {
    name: `${name}-${count / 1000}k`,
    what: `${count} calls of a ${language} function that gives one byte → one array`,
    // The function is a task, too.
    taskCount: count + 2,
    build: () => tasks.arrayMake(Array.from({ length: count }, call)),
  };
}
