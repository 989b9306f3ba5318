/**
 * Messages between the modelled server and workers as numbers in a row: no object per message.
 * Owns the layouts; senders write, receivers read in the same order. Streams are used again.
 */

/** Server to worker. After each name: the numbers that follow it. */
export const ToWorker = {
  /** row, attempt, taskType, request, priority, inputs; then per input: row, place, size, holders, each holder */
  assign: 1,
  /** row */
  drop: 2,
  /** row, attempt */
  retract: 3,
  /** row, attempt */
  cancel: 4,
  /** row, size, holders, each holder */
  prefetch: 5,
  /** serial */
  ping: 6,
  /** id; what it is, is looked up at the server */
  request: 7,
} as const;

/** Worker to server. */
export const ToServer = {
  /** row, attempt, size, durationUs, bytes inline or -1 */
  finished: 1,
  /** row, attempt */
  started: 2,
  /** row, attempt */
  retracted: 3,
  /** row, attempt, input's row, holder */
  inputLost: 4,
  /** row, durationUs */
  fetched: 5,
  /** serial */
  pong: 6,
  /** row, attempt */
  failed: 7,
  /** bytes */
  memory: 8,
} as const;

export class MessageStream {
  private data = new Float64Array(32);
  private end = 0;
  private at = 0;

  get isEmpty(): boolean {
    return this.end === 0;
  }

  /** Whether there is something left to read. */
  get hasMore(): boolean {
    return this.at < this.end;
  }

  write(value: number): void {
    if (this.end === this.data.length) {
      const bigger = new Float64Array(this.end * 2);
      bigger.set(this.data);
      this.data = bigger;
    }
    this.data[this.end++] = value;
  }

  read(): number {
    return this.data[this.at++];
  }

  clear(): void {
    this.end = 0;
    this.at = 0;
    // One that was large once must not stay so for ever, in each of many.
    if (this.data.length > 65_536) this.data = new Float64Array(32);
  }
}

/** Streams that are on their way or free to be used. */
export class StreamPool {
  private readonly streams: MessageStream[] = [];
  private readonly free: number[] = [];

  /** An empty stream's number. */
  take(): number {
    const number = this.free.pop();
    if (number !== undefined) return number;
    return this.streams.push(new MessageStream()) - 1;
  }

  get(number: number): MessageStream {
    return this.streams[number];
  }

  give(number: number): void {
    this.streams[number].clear();
    this.free.push(number);
  }
}
