/**
 * Shows how far a client's tasks are (a bar on a terminal, else a line now and then), and what
 * its functions log.
 */
import { MultiBar, type SingleBar } from "cli-progress";
import type { Client, LogLine } from "hyperloom";

/** Percent between two lines. */
const LINE_STEP = 20;

/** Starts showing; returns what ends it. */
export function showProgress(client: Client): () => void {
  return process.stdout.isTTY ? showBar(client) : printLines(client);
}

function showBar(client: Client): () => void {
  const bars = new MultiBar({
    format: "{bar} {value}/{total} tasks, {duration} s",
    linewrap: true, // stays as it is when the process is killed
  });
  let bar: SingleBar | undefined;
  const endProgress = client.onProgress(({ finished, failed, total }) => {
    if (total === 0) return;
    bar ??= bars.create(total, 0);
    bar.setTotal(total);
    bar.update(finished + failed);
  });
  const endLog = client.onLog((line) => bars.log(`${logText(line)}\n`));
  return () => {
    endProgress();
    endLog();
    if (bar === undefined) return;
    bar.update(bar.getTotal());
    bars.update(); // stop() alone drops lines that are not on the terminal yet
    bars.stop();
  };
}

function printLines(client: Client): () => void {
  let next = LINE_STEP;
  const endProgress = client.onProgress(({ finished, failed, total }) => {
    const percent = (100 * (finished + failed)) / total;
    if (total === 0 || percent < next) return;
    next = (Math.floor(percent / LINE_STEP) + 1) * LINE_STEP;
    console.log(`${finished + failed} of ${total} tasks`);
  });
  const endLog = client.onLog((line) => console.log(logText(line)));
  return () => {
    endProgress();
    endLog();
  };
}

function logText({ level, message }: LogLine): string {
  return `  ${level}: ${message}`;
}
