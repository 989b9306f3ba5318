/**
 * The server's end of a client's connection: what goes out, in an order that the client can read.
 * A result that is streamed to a classic client (header, then raw frames) is one section: nothing
 * else may come in between, so other messages wait until it ends.
 */
import {
  type ClientResponseInit,
  ClientResponseType,
  encodeClientResponse,
  encodeFinishedMany,
  encodeTaskFinished,
  SmallValueWriter,
} from "../protocol/index.js";
import type { Connection } from "../transport/index.js";
import { ProgressNews } from "./progress-news.js";

/** The same is told again only after so long. */
const NOTICE_INTERVAL_MS = 10_000;
/** Shapes of which it is known when they were told. */
const MAX_NOTICED = 1000;

export class ClientLink {
  /** Results that have finished in this tick, */
  private finished: number[] = [];
  /** and the small ones' values. */
  private readonly values = new SmallValueWriter();
  /** Messages that wait for the end of a section. */
  private waiting: Uint8Array[][] = [];
  private inSection = false;
  /** FETCH requests of a classic client are answered one after the other. */
  fetches: Promise<void> = Promise.resolve();
  readonly progress: ProgressNews;
  /** Lines that functions log are sent to it. */
  wantsLogs = false;
  closed = false;
  /** When it was last told that nobody can execute tasks, by their shape. */
  private readonly noticedMs = new Map<number, number>();

  constructor(
    readonly handle: number,
    readonly connection: Connection,
    /** `client_features` of its Register. */
    private readonly features: number,
  ) {
    this.progress = new ProgressNews(features >= 3);
  }

  /** Understands only wire version 2. */
  get classic(): boolean {
    return this.features === 0;
  }

  get takesNotices(): boolean {
    return this.features >= 2;
  }

  /** Whether it is to be told of tasks of this shape that wait: not for every one of many plans. */
  isNew(shape: number, nowMs: number): boolean {
    const beforeMs = this.noticedMs.get(shape);
    if (beforeMs !== undefined && nowMs - beforeMs < NOTICE_INTERVAL_MS) return false;
    if (this.noticedMs.size >= MAX_NOTICED) {
      for (const [other, atMs] of this.noticedMs) {
        if (nowMs - atMs >= NOTICE_INTERVAL_MS) this.noticedMs.delete(other);
      }
      // All of them lately: rather one notice too many.
      if (this.noticedMs.size >= MAX_NOTICED) this.noticedMs.clear();
    }
    this.noticedMs.set(shape, nowMs);
    return true;
  }

  send(response: ClientResponseInit): void {
    this.sendFrames([encodeClientResponse(response)]);
  }

  /** A message and the raw frames that belong to it, without anything between them. */
  sendFrames(frames: Uint8Array[]): void {
    if (this.inSection) this.waiting.push(frames);
    else for (const frame of frames) this.connection.send(frame);
  }

  error(
    message: string,
    extra: { id?: number; requestId?: number; refusedPlan?: number } = {},
  ): void {
    this.send({ type: ClientResponseType.ERROR, error: { ...extra, errorMsg: message } });
  }

  /** `value`: where the bytes of a small result are; undefined: it is not small. */
  taskFinished(id: number, value: Uint8Array | undefined, start: number, length: number): void {
    this.finished.push(id);
    if (this.classic) return;
    if (value === undefined) this.values.absent();
    else this.values.value(value, start, length);
  }

  /** At the end of the tick. */
  flush(): void {
    const { finished } = this;
    if (finished.length === 0) return;
    this.finished = [];
    if (this.classic) for (const id of finished) this.sendFrames([encodeTaskFinished(id)]);
    else this.sendFrames([encodeFinishedMany(finished, this.values.take()!)]);
  }

  /** Begins a section: until endSection() only its owner writes, straight to the connection. */
  beginSection(): void {
    this.inSection = true;
  }

  endSection(): void {
    this.inSection = false;
    const { waiting } = this;
    this.waiting = [];
    for (const frames of waiting) this.sendFrames(frames);
  }
}
