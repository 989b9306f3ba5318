/**
 * Starts a worker: connects to the server, listens for peers, registers, executes what it is
 * given until it is told to stop. Owns the order of these steps and of the end; the work is
 * done by the other files of this room. Called by the command line.
 *
 *     starting ── registered ──▶ running ── close(), shutdown, server lost, bug ──▶ stopped
 */
import { availableParallelism, hostname } from "node:os";
import type { Logger } from "pino";
import { LoomError, messageOf, VERSION } from "../base/index.js";
import {
  BuiltinExecutor,
  defaultPython,
  type Executor,
  ProgramExecutor,
  SharedFiles,
  valueTypesOf,
} from "../executors/index.js";
import { ObjectStore } from "../object-store/index.js";
import { encodeRegister, RegisterType, WORKER_PROTOCOL_VERSION } from "../protocol/index.js";
import { connect, formatAddress } from "../transport/index.js";
import { coresToPin } from "./allowed-cores.js";
import { offeredResources } from "./detect-resources.js";
import { extensionExecutors } from "./extension-executors.js";
import { functionExecutors } from "./function-executors.js";
import { ObjectFetcher } from "./object-fetcher.js";
import type { RunningWorker, WorkerOptions } from "./options.js";
import { startPeerServer } from "./peer-server.js";
import { type Traffic, WorkerSampler } from "./sampler.js";
import { ServerLink } from "./server-link.js";
import { ServerSession } from "./server-session.js";
import { TaskRunner } from "./task-runner.js";
import { warmUp } from "./warm-up.js";
import { isWildcard, makeWorkDirectory } from "./work-directory.js";
import { WorkerTracing } from "./worker-tracing.js";

const WIRE_VERSION = 2;
const DATA_TYPES = [
  "loom/data",
  "loom/array",
  "loom/index",
  "loom/file",
  "loom/pyobj",
  "loom/jsobj",
];

/**
 * Starts a worker in this process; resolves when the server has accepted it.
 *
 * Rejects with LoomError("connection") when the server can't be reached or refuses the worker
 * or the data port can't be had, and with LoomError("usage") for wrong options; everything
 * that was started is stopped then.
 *
 * @example
 * const worker = await startWorker({ serverHost: "127.0.0.1", serverPort: 9010, logger });
 * await worker.stopped;
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const cpus = options.cpus ?? availableParallelism();
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > 65535) {
    throw new LoomError("usage", `cpus is ${cpus}; it must be a whole number from 1 to 65535`);
  }
  const life = new WorkerLife(options.logger);
  try {
    const address = await startParts(options, cpus, life);
    life.started = true;
    return { address, stopped: life.stopped, close: () => life.end(undefined) };
  } catch (error) {
    await life.end(error);
    throw error;
  }
}

/** Starts one part after the other; each tells `life` how it is stopped. Returns the address. */
async function startParts(options: WorkerOptions, cpus: number, life: WorkerLife): Promise<string> {
  const { logger, serverHost, serverPort, extensions = [], zeroWork = false } = options;
  const resources = offeredResources(options.resources ?? [], { share: options.share });
  const valueTypes = valueTypesOf(extensions, logger);
  const link = new ServerLink(serverHost, serverPort, (error) => void life.end(error));
  const connection = await connect(serverHost, serverPort, link);
  life.onEnd(() => connection.close());
  link.watch(connection);

  const traffic: Traffic = { sentBytes: 0, receivedBytes: 0 };
  const host = options.listen ?? connection.localHost;
  const peers = await startPeerServer({
    host,
    port: options.port ?? 0,
    findObject: (row) => store.get(row),
    symbol: (name) => session.symbol(name),
    traffic,
    logger,
  });
  life.onEnd(() => peers.close());

  const directory = makeWorkDirectory(options.workDir, host, peers.port);
  life.onEnd(() => directory.remove());
  const store = new ObjectStore(directory.data, (message) => logger.warn(message));

  const coreNumbers = options.pin === false ? [] : coresToPin(cpus, logger);
  const pin = coreNumbers.length > 0;
  const files = new SharedFiles(directory.data);
  life.onEnd(() => files.close());
  const removedAtEnd = files.inMemory === undefined ? [] : [files.inMemory];
  const runDirectory = directory.run;
  const programs = new ProgramExecutor({ runDirectory, store, pin, removedAtEnd, logger });
  life.onEnd(() => programs.close());
  const python = zeroWork ? "none" : (options.python ?? defaultPython());
  const pools = { cpus, store, files, valueTypes, logger };
  const [functions] = await Promise.all([
    functionExecutors(python, extensions, pools),
    programs.ready(),
  ]);
  const added = [...functions.executors, ...extensionExecutors(extensions, pools)];
  for (const executor of added) life.onEnd(() => executor.close());
  const executors: Executor[] = [new BuiltinExecutor(), programs, ...added];
  if (!zeroWork) await warmUp(logger);

  const runner = new TaskRunner({
    cpus,
    resources,
    coreNumbers,
    executors,
    store,
    zeroWork,
    logger,
    send: (frame) => connection.send(frame),
    flush: () => connection.flush(),
    broken: (error) => {
      logger.fatal({ err: error }, "internal error: the worker stops");
      connection.destroy(new LoomError("internal", messageOf(error), { cause: error }));
    },
  });
  life.onEnd(() => runner.stop());
  const fetcher = new ObjectFetcher(runner, logger, valueTypes, traffic);
  life.onEnd(() => fetcher.close());
  runner.fetches = fetcher;
  const tracing = new WorkerTracing(runner, logger, (records) => runner.sendTrace(records));
  life.onEnd(() => tracing.close());
  const sampler = new WorkerSampler({
    cpus,
    traffic,
    storeBytes: () => store.memoryBytes,
    runningTasks: () => runner.runningCount,
  });
  life.onEnd(() => sampler.stop());
  const session = new ServerSession({
    runner,
    executors,
    logger,
    setPeer: (index, peerHost, peerPort) => fetcher.setPeer(index, peerHost, peerPort),
    onTrace: (instruction) => tracing.set(instruction),
    setSampling: (wanted) => {
      if (wanted)
        sampler.start((sample) => {
          runner.writer.sample(sample);
          runner.schedule();
        });
      else sampler.stop();
    },
    shutdown: () => void life.end(undefined),
  });

  connection.send(
    encodeRegister({
      protocolVersion: WIRE_VERSION,
      type: RegisterType.WORKER,
      port: peers.port,
      taskTypes: executors.flatMap(({ taskTypes }) => taskTypes),
      dataTypes: [...DATA_TYPES, ...valueTypes.keys()],
      cpus,
      resources: resources.map((resource) => ({ ...resource, indices: [...resource.indices] })),
      workerProtocol: WORKER_PROTOCOL_VERSION,
      // The address of this connection is what the server takes by default.
      host: options.listen === undefined || isWildcard(host) ? undefined : host,
      hostname: hostname(),
      pid: process.pid,
      softwareVersion: VERSION,
      unavailable: functions.unavailable,
    }),
  );
  await link.accepted(session);
  return formatAddress(isWildcard(host) ? connection.localHost : host, peers.port);
}

/** Stops everything that was started, the last first, once. */
class WorkerLife {
  readonly stopped: Promise<void>;
  /** The server has accepted the worker. */
  started = false;
  private readonly parts: (() => void | Promise<void>)[] = [];
  private ending: Promise<void> | undefined;
  private settle!: (error: unknown) => void;

  constructor(private readonly logger: Logger) {
    this.stopped = new Promise((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Who started the worker may not look at it; the log tells of a lost server anyway.
    this.stopped.catch(() => {});
  }

  /** Registers how a part is stopped; at once if the end has come meanwhile. */
  onEnd(stop: () => void | Promise<void>): void {
    if (this.ending === undefined) this.parts.push(stop);
    else this.ending = this.ending.then(() => this.stopPart(stop));
  }

  /** Resolves when all is stopped; `stopped` then rejects with `error` if there is one. */
  end(error: unknown): Promise<void> {
    if (this.ending === undefined) {
      // Who starts a worker is told by an error when it does not start.
      if (error !== undefined && this.started) {
        this.logger.error(`worker stops: ${messageOf(error)}`);
      }
      this.ending = this.stopParts().then(() => this.settle(error));
    }
    return this.ending;
  }

  private async stopParts(): Promise<void> {
    for (const stop of this.parts.reverse()) await this.stopPart(stop);
  }

  private async stopPart(stop: () => void | Promise<void>): Promise<void> {
    try {
      await stop();
    } catch (error) {
      this.logger.error({ err: error }, "a part of the worker did not stop in order");
    }
  }
}
