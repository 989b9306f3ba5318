/**
 * The rows that a worker knows (the objects that tasks here make, take, or that are kept) and the downloads of
 * those that are elsewhere: when one is kept, forgotten, fetched. Owns no tasks: who waits for an
 * object, and what becomes of them, is the business of worker-core.ts, which calls this.
 */
import { RowTable } from "../base/index.js";
import { FetchQueue } from "./fetch-queue.js";
import type { WorkerOutbox } from "./outbox.js";
import { ObjectFetch, RowEntry } from "./worker-task.js";

export class KnownObjects {
  readonly rows = new RowTable<RowEntry>();
  readonly fetches = new FetchQueue();
  private order = 0;

  constructor(private readonly outbox: WorkerOutbox) {}

  /** What is known of the row; made if nothing is. */
  entryOf(row: number): RowEntry {
    let entry = this.rows.get(row);
    if (entry === undefined) {
      entry = new RowEntry(row);
      this.rows.set(row, entry);
    }
    return entry;
  }

  /** The server may count on the copy that is (or is about to be) here until it says drop. */
  keepCopy(entry: RowEntry): void {
    entry.kept = true;
    this.outbox.fetched(entry.row);
  }

  discard(entry: RowEntry): void {
    entry.inStore = false;
    this.outbox.dropObject(entry.row);
    this.forgetIfUnused(entry);
  }

  forgetIfUnused(entry: RowEntry): void {
    if (entry.wanted > 0 || entry.kept || entry.prefetched || entry.task !== undefined) return;
    this.rows.delete(entry.row);
  }

  /** A task does not need its inputs any more. */
  release(inputs: readonly RowEntry[]): void {
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      input.wanted--;
      if (input.wanted > 0 || input.kept) continue;
      if (input.fetch !== undefined && !input.prefetched) this.abortFetch(input);
      input.clearWaiting();
      if (input.inStore) this.discard(input);
      else this.forgetIfUnused(input);
    }
  }

  /** Sees to it that the object is fetched; false: none of the holders can be asked. */
  fetch(entry: RowEntry, sizeBytes: number, holders: number[], urgent: boolean): boolean {
    const { fetch } = entry;
    if (fetch === undefined) {
      const added = new ObjectFetch(entry, sizeBytes, holders, this.order++, urgent);
      if (!this.fetches.add(added)) return false;
      entry.fetch = added;
      return true;
    }
    for (const holder of holders) if (!fetch.holders.includes(holder)) fetch.holders.push(holder);
    if (urgent) this.fetches.makeUrgent(fetch);
    return true;
  }

  startFetches(): void {
    for (let fetch = this.fetches.next(); fetch !== undefined; fetch = this.fetches.next()) {
      this.outbox.startFetch(fetch);
    }
  }

  /** Stops the download of the object, which there must be. */
  abortFetch(entry: RowEntry): void {
    const fetch = entry.fetch!;
    const { active } = fetch;
    entry.fetch = undefined;
    this.fetches.remove(fetch);
    if (active) this.outbox.abortFetch(fetch);
  }
}
