/**
 * PROGRESS to one client: what has changed in the numbers of its tasks since it was told last. Owns what it was
 * told; when it is asked, the server decides.
 */
import { type ClientResponseInit, ClientResponseType } from "../protocol/index.js";
import type { ClientRecord, LabelCount } from "../server-core/index.js";

export class ProgressNews {
  /** Numbers of all tasks, */
  private told = "";
  /** and of those with each label. */
  private readonly labelsTold = new Map<string, string>();
  private openTold = 0;

  /** @param withLabels the client wants the numbers by label, too */
  constructor(private readonly withLabels: boolean) {}

  /** It believes that tasks of it are unfinished, and none are: it should not have to wait to hear that. */
  isOverdue({ openTasks }: ClientRecord): boolean {
    return this.openTold > 0 && openTasks === 0;
  }

  /** The next message; undefined: there is nothing new. */
  take(client: ClientRecord, countLabels: () => LabelCount[]): ClientResponseInit | undefined {
    const { finishedTasks, openTasks, failedTasks } = client;
    const told = `${finishedTasks} ${openTasks} ${failedTasks}`;
    const labels = this.withLabels ? this.changedLabels(countLabels()) : [];
    if (told === this.told && labels.length === 0) return undefined;
    this.told = told;
    this.openTold = openTasks;
    return {
      type: ClientResponseType.PROGRESS,
      nFinished: finishedTasks,
      nUnfinished: openTasks,
      nFailed: failedTasks,
      labels,
    };
  }

  private changedLabels(counts: readonly LabelCount[]) {
    const changed = counts.filter(({ label, total, running, finished, failed }) => {
      const text = `${total} ${running} ${finished} ${failed}`;
      if (this.labelsTold.get(label) === text) return false;
      this.labelsTold.set(label, text);
      return true;
    });
    const news = changed.map(({ label: name, total, running, finished, failed }) => {
      return { name, total, running, finished, failed };
    });
    if (this.labelsTold.size === counts.length) return news;
    // All tasks with a label were cancelled.
    const present = new Set(counts.map(({ label }) => label));
    for (const name of [...this.labelsTold.keys()]) {
      if (present.has(name)) continue;
      this.labelsTold.delete(name);
      news.push({ name, total: 0, running: 0, finished: 0, failed: 0 });
    }
    return news;
  }
}
