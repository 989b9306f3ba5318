/** What a client asks: plans, results, releases, status, the end of everything. */
import { isAbsolute } from "node:path";
import { performance } from "node:perf_hooks";
import { messageOf, ProtocolError } from "../base/index.js";
import {
  type ClientRequestMessage,
  ClientRequestType,
  ClientResponseType,
  decodeClientRequest,
  decodePlanRequest,
  encodeClientResponse,
  type PlanColumns,
  peekRequestType,
} from "../protocol/index.js";
import type { PlanRefusal } from "../server-core/index.js";
import { findCheckpoints } from "./checkpoints.js";
import type { ClientLink } from "./client-link.js";
import type { LoomServer } from "./loom-server.js";
import { checkRareFields } from "./rare-fields.js";
import type { ReadFailure, ResultRange } from "./result-reader.js";

/** What a READ delivers at most, and a FETCH reads at once. */
const MAX_READ_BYTES = 8 * 1024 * 1024;

const NOT_HELD =
  "is not a result that this client holds: it was never submitted as a result, or it was released";

export class ClientSession {
  /** Frames that wait while a plan's checkpoint files are looked for, or a trace begins. */
  private blocked: Uint8Array[] | undefined;

  constructor(
    private readonly server: LoomServer,
    private readonly link: ClientLink,
  ) {}

  /** Throws a ProtocolError at a malformed frame. */
  frame(frame: Uint8Array): void {
    if (this.blocked !== undefined) {
      this.blocked.push(frame);
      return;
    }
    this.server.setTraceTime(performance.now());
    const type = peekRequestType(frame);
    if (type === ClientRequestType.PLAN) {
      this.plan(decodePlanRequest(frame));
    } else if (ClientRequestType[type] !== undefined) {
      this.request(decodeClientRequest(frame));
    } else {
      throw new ProtocolError(`malformed ClientRequest: unknown type ${type}`);
    }
    this.server.planTurn();
  }

  /** The connection has ended, or it ends because of what came. */
  closed(error: Error | undefined): void {
    const { server, link } = this;
    if (link.closed) return;
    link.closed = true;
    server.clients.delete(link.handle);
    server.tracing.clientGone(link.handle, link.connection.remote);
    const client = server.core.clients.get(link.handle);
    if (client !== undefined) {
      server.past.finished += client.finishedTasks;
      server.past.failed += client.failedTasks;
      server.core.removeClient(link.handle);
      server.planTurn();
    }
    server.logger.debug(
      `client ${link.connection.remote} left${error ? `: ${error.message}` : ""}`,
    );
  }

  private plan(columns: PlanColumns): void {
    const refusal = checkRareFields(columns);
    if (refusal !== undefined) {
      this.refuse(columns, refusal);
      return;
    }
    if (!columns.loadCheckpoints) {
      this.submit(columns, new Map());
      return;
    }
    this.blockUntil(
      findCheckpoints(columns).then((checkpoints) => {
        if (this.link.closed) return;
        this.submit(columns, checkpoints);
        this.server.planTurn();
      }),
    );
  }

  /** Keeps what comes until then. */
  private blockUntil(ready: Promise<void>): void {
    this.blocked = [];
    void ready.then(() => {
      const frames = this.blocked ?? [];
      this.blocked = undefined;
      for (const frame of frames) {
        if (this.link.closed) return;
        this.server.connections.deliver(this.link.connection, this, frame);
      }
    });
  }

  private submit(columns: PlanColumns, checkpoints: ReadonlyMap<number, Uint8Array>): void {
    const refusal = this.server.core.submitPlan(this.link.handle, columns, checkpoints);
    if (refusal !== undefined) {
      this.refuse(columns, refusal);
      return;
    }
    this.server.tracing.planSubmitted(this.link.handle, columns);
    if (this.server.workers.size === 0) {
      this.server.logger.warn("no worker is connected: tasks wait for one");
    }
  }

  private refuse(columns: PlanColumns, refusal: PlanRefusal): void {
    const { link } = this;
    this.server.logger.warn(`plan of ${link.connection.remote} refused: ${refusal.message}`);
    link.error(refusal.message, { id: refusal.taskId, refusedPlan: columns.idBase });
  }

  private request(request: ClientRequestMessage): void {
    const { link, server } = this;
    switch (request.type) {
      case ClientRequestType.FETCH:
        // One after the other: a classic client reads the answers in the order of its requests.
        link.fetches = link.fetches.then(() => this.fetch(request.id));
        break;
      case ClientRequestType.READ:
        this.read(request);
        break;
      case ClientRequestType.OUTPUT:
        this.output(request);
        break;
      case ClientRequestType.RELEASE:
        if (!server.core.release(link.handle, request.id)) {
          link.error(`release: task ${request.id} ${NOT_HELD}`, { id: request.id });
        }
        break;
      case ClientRequestType.RELEASE_MANY:
        // Ids of refused plans may be among them: not an error.
        for (const id of request.ids) server.core.release(link.handle, id);
        break;
      case ClientRequestType.STATS:
        server.core.forgetPlans();
        link.send({
          type: ClientResponseType.STATS,
          stats: {
            nWorkers: server.workers.size,
            nDataObjects: server.core.objectCount,
            nTasks: server.core.taskCount,
            nClients: server.clients.size,
          },
        });
        break;
      case ClientRequestType.LOGS:
        link.wantsLogs = request.wanted;
        break;
      case ClientRequestType.STATUS:
        this.chunk({ requestId: request.requestId }, new TextEncoder().encode(server.status()));
        break;
      case ClientRequestType.EXPLAIN:
        this.explain(request);
        break;
      case ClientRequestType.TRACE:
        this.trace(request.tracePath);
        break;
      case ClientRequestType.TERMINATE:
        server.logger.info(`client ${link.connection.remote} asks to stop the cluster`);
        void server.onTerminate();
        break;
      case ClientRequestType.PLAN:
        // peekRequestType() has seen to it.
        break;
    }
  }

  /** Begins a trace; ends it if the path is empty. Plans that come meanwhile wait: they will be in it. */
  private trace(path: string): void {
    const { link, server } = this;
    if (path !== "" && !isAbsolute(path)) {
      link.error(`trace path ${JSON.stringify(path)} is not absolute`);
      return;
    }
    this.blockUntil(
      server.tracing.set(path === "" ? undefined : path).catch((error: unknown) => {
        server.logger.warn(messageOf(error));
        link.error(messageOf(error));
      }),
    );
  }

  private explain(request: ClientRequestMessage): void {
    const { link, server } = this;
    const { requestId, id } = request;
    // Unset optional fields are on the prototype.
    const isOwn = Object.hasOwn(request, "id") && !Object.hasOwn(request, "query");
    const answer = isOwn
      ? server.core.explainOwn(link.handle, id)
      : server.core.explain(request.query);
    if (typeof answer === "string") link.error(answer, { requestId });
    else this.chunk({ requestId }, new TextEncoder().encode(JSON.stringify(answer)));
  }

  private chunk(
    chunk: {
      requestId: number;
      totalSize?: bigint;
      typeId?: number;
      nMessages?: bigint;
      version?: number;
      ended?: boolean;
    },
    bytes: Uint8Array,
  ): void {
    if (this.link.closed) return;
    const message = encodeClientResponse({ type: ClientResponseType.CHUNK, chunk });
    this.link.sendFrames([message, bytes]);
  }

  private read(request: ClientRequestMessage): void {
    const length = Math.min(request.maxSize, MAX_READ_BYTES);
    const { id, requestId } = request;
    const result = this.server.reader.read(this.link.handle, id, offsetOf(request), length);
    if (result instanceof Promise)
      void result.then((later) => this.answerRead(id, requestId, later));
    else this.answerRead(id, requestId, result);
  }

  private answerRead(id: number, requestId: number, result: ResultRange | ReadFailure): void {
    if ("kind" in result) {
      this.readFailed(id, requestId, result);
      return;
    }
    this.chunk(
      {
        requestId,
        totalSize: BigInt(result.totalBytes),
        typeId: result.typeSymbol,
        nMessages: BigInt(result.messageCount),
        version: result.version,
      },
      result.bytes,
    );
  }

  private readFailed(id: number, requestId: number | undefined, failure: ReadFailure): void {
    const { link, server } = this;
    if (link.closed) return;
    if (failure.kind === "failed") {
      const error = server.errorOf(failure.failure, [], link.classic);
      link.send({ type: ClientResponseType.ERROR, error: { ...error, requestId } });
      return;
    }
    const what = failure.kind === "unknown" ? NOT_HELD : `can't be read: ${failure.message}`;
    link.error(`fetch: task ${id} ${what}`, { id, requestId });
  }

  private output(request: ClientRequestMessage): void {
    const { server, link } = this;
    const { id, requestId } = request;
    const stream = request.stream === "stdout" ? 1 : request.stream === "stderr" ? 2 : 0;
    if (stream === 0) {
      link.error(
        `output: the stream is "stdout" or "stderr", not ${JSON.stringify(request.stream)}`,
        {
          id,
          requestId,
        },
      );
      return;
    }
    const running = server.core.findRunning(link.handle, id);
    if (running === undefined) {
      const place = server.core.locate(link.handle, id);
      // Not started yet: nothing so far. Anything else: nothing will come.
      const ended = place.kind !== "open";
      this.chunk({ requestId, totalSize: 0n, ended }, new Uint8Array(0));
      return;
    }
    const maxBytes = Math.min(request.maxSize, MAX_READ_BYTES);
    server.askOutput(running, stream, offsetOf(request), maxBytes, (total, ended, bytes) =>
      this.chunk({ requestId, totalSize: BigInt(total), ended }, bytes),
    );
  }

  /**
   * FETCH of wire version 2: a header, then the raw frames, streamed range by range. Should the
   * object be lost half-way and computed again, the frames would be a mixture: then the
   * connection is closed.
   */
  private async fetch(id: number): Promise<void> {
    const { link, server } = this;
    const { connection } = link;
    let offset = 0;
    let version: number | undefined;
    for (;;) {
      const range = await server.reader.read(link.handle, id, offset, MAX_READ_BYTES);
      if (link.closed) return;
      if ("kind" in range || (version !== undefined && version !== range.version)) {
        if (version === undefined) {
          this.readFailed(id, undefined, range as ReadFailure);
          return;
        }
        server.logger.error(
          `${connection.remote} is closed: task ${id} was lost while it was sent`,
        );
        connection.destroy();
        return;
      }
      if (version === undefined) {
        version = range.version;
        link.flush();
        link.send({
          type: ClientResponseType.DATA,
          data: { id, nMessages: BigInt(range.messageCount), typeId: range.typeSymbol },
        });
        link.beginSection();
      }
      if (range.bytes.length === 0) {
        server.logger.error(`${connection.remote} is closed: a worker sent nothing of task ${id}`);
        connection.destroy();
        return;
      }
      connection.sendFramed(range.bytes);
      offset += range.bytes.length;
      if (offset >= range.totalBytes) break;
      await connection.drained();
    }
    link.endSection();
  }
}

/** Workers take offsets up to this only; no object is that long, so it makes no difference. */
function offsetOf(request: ClientRequestMessage): number {
  return Math.min(Number(request.offset), Number.MAX_SAFE_INTEGER);
}
