/**
 * The life of a server or worker process: start, say so, run, stop in order. Owns: signals,
 * the exit code, and the messages to a parent that started this process with an IPC
 * channel (local-cluster does). Called by server-command.ts, worker-command.ts; program.ts
 * tells the parent about failures.
 */

/** What a parent with an IPC channel is told. */
export type ServiceMessage =
  | { loom: "listening"; host: string; port: number; dashboard: string | undefined }
  | { loom: "registered"; address: string }
  | { loom: "failed"; message: string };

/** Something that runs until it is closed or ends by itself. */
export interface Service {
  /** Resolves after close() or an order to stop; rejects when it can't go on. */
  readonly stopped: Promise<void>;
  close(): Promise<void>;
}

/** How long a start that is under way may hold up a stop. */
const START_GRACE_MS = 2_000;

/**
 * Runs a service until it ends, a signal comes, or the parent's channel closes; resolves
 * with the exit code 0, or rejects with what went wrong. A second signal exits at once.
 */
export async function runService<S extends Service>(
  start: () => Promise<S>,
  announce: (service: S) => { line: string; message: ServiceMessage },
): Promise<number> {
  const stop = listenForStop();
  try {
    const starting = start();
    const service = await Promise.race([starting, stop.requested.then(() => undefined)]);
    if (service === undefined) {
      await closeLateStart(starting);
      return 0;
    }
    const { line, message } = announce(service);
    process.stdout.write(`${line}\n`);
    await tellParent(message);
    await Promise.race([service.stopped, stop.requested]);
    await service.close();
    await service.stopped;
    return 0;
  } finally {
    stop.dispose();
  }
}

/** A stop was asked for before the start was over: undo the start, but do not wait for ever. */
async function closeLateStart(starting: Promise<Service>): Promise<void> {
  const started = starting.then(
    (service) => service,
    () => undefined,
  );
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), START_GRACE_MS);
  });
  const service = await Promise.race([started, grace]);
  clearTimeout(timer);
  await service?.close();
}

/** Resolves at the first SIGINT or SIGTERM, or when the parent's channel closes. */
function listenForStop(): { requested: Promise<void>; dispose(): void } {
  let request = (): void => {};
  const requested = new Promise<void>((resolve) => {
    request = resolve;
  });
  let signals = 0;
  const onSignal = (_signal: NodeJS.Signals, number: number): void => {
    signals += 1;
    if (signals > 1) process.exit(128 + number);
    request();
  };
  const onDisconnect = (): void => request();
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("disconnect", onDisconnect);
  // The parent may be gone already.
  if (process.send !== undefined && !process.connected) request();
  return {
    requested,
    dispose() {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      process.off("disconnect", onDisconnect);
    },
  };
}

/** Hands a message to the parent if there is a channel; a parent that is gone is no error. */
export function tellParent(message: ServiceMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
