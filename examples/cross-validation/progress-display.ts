/** Shows how far a client's tasks are: a bar on a terminal, else a line now and then. */
import { SingleBar } from "cli-progress";
import type { Client } from "hyperloom";

/** Percent between two lines. */
const LINE_STEP = 20;

/** Starts showing progress; returns what ends it. */
export function showProgress(client: Client): () => void {
  return process.stdout.isTTY ? showBar(client) : printLines(client);
}

function showBar(client: Client): () => void {
  const bar = new SingleBar({ format: "{bar} {value}/{total} tasks, {duration} s" });
  bar.start(1, 0);
  const unsubscribe = client.onProgress(({ finished, failed, total }) => {
    bar.setTotal(total);
    bar.update(finished + failed);
  });
  return () => {
    unsubscribe();
    bar.update(bar.getTotal());
    bar.stop();
  };
}

function printLines(client: Client): () => void {
  let next = LINE_STEP;
  return client.onProgress(({ finished, failed, total }) => {
    const percent = (100 * (finished + failed)) / total;
    if (percent < next) return;
    next = (Math.floor(percent / LINE_STEP) + 1) * LINE_STEP;
    console.log(`${finished + failed} of ${total} tasks`);
  });
}
