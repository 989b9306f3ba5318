/** Bytes between workers over time: of each worker, and by the label of the task whose result it was. */
import type { ViewData } from "../page/view-data.js";
import { type Mask, sortedOrder } from "./sorted-order.js";
import { StepBuilder, type StepFunction } from "./step-function.js";

export interface Traffic {
  /** Bytes so far, one entry a worker. A transfer counts when it has come. */
  readonly sent: readonly StepFunction[];
  readonly received: readonly StepFunction[];
  /** Bytes so far by label's number; labels without transfers are left out. */
  readonly byLabel: ReadonlyMap<number, StepFunction>;
  /** Without transfers in the data: from the samples of workers, so not by label. */
  readonly isSampled: boolean;
}

export function traffic(data: ViewData, mask?: Mask): Traffic {
  const { transfers, tasks, workers } = data;
  const sent = workers.map(() => new StepBuilder());
  const received = workers.map(() => new StepBuilder());
  const byLabel = new Map<number, StepBuilder>();
  const isSampled = transfers.count === 0;
  if (isSampled) addSamples(data, sent, received);
  for (const i of sortedOrder(transfers.endMs, transfers.count)) {
    const task = transfers.task[i];
    if (transfers.came[i] === 0 || (mask !== undefined && mask[task] === 0)) continue;
    const atMs = transfers.endMs[i];
    const bytes = transfers.sizeBytes[i];
    sent[transfers.from[i]]?.add(atMs, bytes);
    received[transfers.to[i]]?.add(atMs, bytes);
    const label = tasks.label[task];
    let builder = byLabel.get(label);
    if (builder === undefined) {
      builder = new StepBuilder();
      byLabel.set(label, builder);
    }
    builder.add(atMs, bytes);
  }
  return {
    sent: sent.map((builder) => builder.build()),
    received: received.map((builder) => builder.build()),
    byLabel: new Map(
      [...byLabel].sort(([a], [b]) => a - b).map(([label, builder]) => [label, builder.build()]),
    ),
    isSampled,
  };
}

function addSamples({ workers }: ViewData, sent: StepBuilder[], received: StepBuilder[]): void {
  workers.forEach(({ samples }, worker) => {
    for (let i = 0; i < samples.count; i++) {
      sent[worker].add(samples.atMs[i], samples.sentBytes[i]);
      received[worker].add(samples.atMs[i], samples.receivedBytes[i]);
    }
  });
}
