/** Short labels of tasks by number: those of their classes, or the names of their task types. Called by read-trace.ts. */
import type { ServerReading } from "./server-reading.js";

const MAX_LABELS = 65_536;
const OTHERS = "(others)";

export function labelColumn(server: ServerReading): { labels: string[]; label: Uint16Array } {
  const { classes, taskTypes } = server;
  const { count } = server.tasks;
  const { taskClass, taskType } = server.tasks.columns;
  const labels: string[] = [];
  const numbers = new Map<string, number>();
  const numberOf = (name: string): number => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    // The last number is for all further ones.
    const isOther = labels.length >= MAX_LABELS - 1 && name !== OTHERS;
    if (isOther) return numberOf(OTHERS);
    numbers.set(name, labels.length);
    return labels.push(name) - 1;
  };
  const ofClass: (number | undefined)[] = [];
  const ofType: (number | undefined)[] = [];
  const label = new Uint16Array(count);
  for (let task = 0; task < count; task++) {
    const its = taskClass[task];
    let number = ofClass[its];
    if (number === undefined) {
      const name = classes.at(its)?.label;
      // -1: the task type decides.
      number = name === undefined || name === "" ? -1 : numberOf(name);
      ofClass[its] = number;
    }
    if (number === -1) {
      const type = taskType[task];
      number = ofType[type] ??= numberOf(taskTypes.at(type) ?? `task type ${type}`);
    }
    label[task] = number;
  }
  return { labels, label };
}
