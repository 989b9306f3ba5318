/**
 * Numbers of labels, which are alike up to their first ":". As many as there is room for in a plan's keys
 * of classes; what no class has any more is forgotten. Part of TaskClasses.
 */

/** Further labels share the number MAX_LABELS. */
export const MAX_LABELS = 4096;

interface CountedLabel {
  readonly number: number;
  readonly text: string;
  /** Classes that have it, one more while it is looked at. */
  users: number;
  isLooked: boolean;
}

export class LabelNumbers {
  private readonly byText = new Map<string, CountedLabel>();
  /** By number - 1. */
  private readonly list: (CountedLabel | undefined)[] = [];
  private readonly free: number[] = [];
  /** What numberOf() has returned since settle(). */
  private readonly looked: CountedLabel[] = [];

  /** @param makeRoom makes who has not used a label for long forget it; false: nobody has */
  constructor(private readonly makeRoom: () => boolean) {}

  /** The number; undefined: no task has had a label like it. */
  find(text: string): number | undefined {
    const prefix = prefixOf(text);
    if (prefix === "") return 0;
    const isFull = this.byText.size >= MAX_LABELS - 1;
    return this.byText.get(prefix)?.number ?? (isFull ? MAX_LABELS : undefined);
  }

  /** The same; one that is new gets a number, which is its own at least until settle(). */
  numberOf(text: string): number {
    const prefix = prefixOf(text);
    if (prefix === "") return 0;
    let label = this.byText.get(prefix);
    if (label === undefined) {
      while (this.byText.size >= MAX_LABELS - 1) if (!this.makeRoom()) return MAX_LABELS;
      const number = this.free.pop() ?? this.list.length + 1;
      label = { number, text: prefix, users: 0, isLooked: false };
      this.list[number - 1] = label;
      this.byText.set(prefix, label);
    }
    if (!label.isLooked) {
      label.isLooked = true;
      label.users++;
      this.looked.push(label);
    }
    return label.number;
  }

  /** The label (up to its first ":") with this number; undefined: it is one of those that share one. */
  textOf(number: number): string | undefined {
    return this.list[number - 1]?.text;
  }

  /** What numberOf() has returned is looked at no more. */
  settle(): void {
    for (const label of this.looked) {
      label.isLooked = false;
      this.release(label.number);
    }
    this.looked.length = 0;
  }

  /** One class more has it. */
  use(number: number): void {
    const label = this.list[number - 1];
    if (label !== undefined) label.users++;
  }

  /** One class less. */
  release(number: number): void {
    const label = this.list[number - 1];
    if (label === undefined || --label.users > 0) return;
    this.byText.delete(label.text);
    this.list[number - 1] = undefined;
    this.free.push(number);
  }

  /** Throws an Error unless the labels are those of these classes. For tests. @param numbers one per class */
  check(numbers: readonly number[]): void {
    for (const { number, text, users, isLooked } of this.byText.values()) {
      const expected = numbers.filter((one) => one === number).length + (isLooked ? 1 : 0);
      if (users !== expected || users === 0) throw new Error(`label ${text} has ${users} users`);
    }
    if (this.byText.size + this.free.length !== this.list.length) throw new Error("labels lost");
    for (const number of numbers) {
      if (number > 0 && number < MAX_LABELS && this.list[number - 1] === undefined) {
        throw new Error(`label ${number} was forgotten though a class has it`);
      }
    }
  }
}

function prefixOf(label: string): string {
  const end = label.indexOf(":");
  return end < 0 ? label : label.slice(0, end);
}
