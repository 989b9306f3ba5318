/** The workers that the page has seen, with their samples: one a second, the oldest are forgotten. */
import type { ViewWorker } from "../../report/page/index.js";
import { SampleColumns } from "../../trace/index.js";
import type { WorkerView } from "../cluster-views.js";

/** An hour. Then the older half is forgotten. */
const MAX_SAMPLES = 3600;

interface Known {
  readonly view: WorkerView;
  readonly joinedMs: number;
  goneMs: number;
  readonly samples: SampleColumns;
  lastAtMs: number;
}

export class LiveWorkers {
  private readonly known: Known[] = [];
  /** By the server's number: place in `known`. */
  private readonly places = new Map<number, number>();

  /** Place in the list of a worker by the server's number; -1: not seen. */
  placeOf(index: number): number {
    return this.places.get(index) ?? -1;
  }

  /** By address; -1: not seen. */
  placeOfAddress(address: string | undefined): number {
    return this.known.findLastIndex(({ view }) => view.address === address);
  }

  nameOf(index: number): string {
    return this.known[this.placeOf(index)]?.view.address ?? `number ${index}`;
  }

  /** All that are connected; the others have gone. */
  update(workers: readonly WorkerView[], startMs: number, nowMs: number): void {
    const present = new Set<number>();
    for (const view of workers) {
      present.add(view.index);
      let place = this.places.get(view.index);
      if (place === undefined) {
        const samples = new SampleColumns();
        const joinedMs = nowMs - startMs;
        place = this.known.push({
          view,
          joinedMs,
          goneMs: Number.NaN,
          samples,
          lastAtMs: 0,
        });
        this.places.set(view.index, --place);
      }
      this.addSample(this.known[place], view, startMs);
    }
    for (const [index, place] of this.places) {
      const worker = this.known[place];
      if (!present.has(index) && Number.isNaN(worker.goneMs)) worker.goneMs = nowMs - startMs;
    }
  }

  list(): ViewWorker[] {
    return this.known.map(({ view, joinedMs, goneMs, samples }) => ({
      index: view.index,
      address: view.address,
      hostname: view.hostname,
      pid: view.pid,
      cpus: view.cpus,
      resources: view.resources,
      joinedMs,
      goneMs,
      goneReason: "",
      clockOffsetMs: 0,
      clockUncertaintyMs: 0,
      samples: samples.finish(),
    }));
  }

  /** Workers that have gone, the last one first. */
  gone(): { readonly view: WorkerView; readonly goneMs: number }[] {
    return this.known.filter(({ goneMs }) => !Number.isNaN(goneMs)).reverse();
  }

  private addSample(worker: Known, { sample }: WorkerView, startMs: number): void {
    if (sample === undefined || sample.atMs === worker.lastAtMs) return;
    worker.lastAtMs = sample.atMs;
    const { samples } = worker;
    if (samples.count === MAX_SAMPLES) samples.dropFirst(MAX_SAMPLES >> 1);
    samples.add({ ...sample, atMs: Math.max(0, sample.atMs - startMs) });
  }
}
