/**
 * Runs calls. Owns their order, which of them run at the same time, and when results leave:
 *
 * - Calls start in the order in which they came. Heavy ones wait for each other; light ones only
 *   while 256 light ones are pending. So a light call may start before a heavy one that waits.
 * - A call of a function that returns no promise is over when it has been started: no promise, no
 *   turn of the event loop.
 * - A light call that does not end when it is cancelled is abandoned while others run beside it, so that
 *   they need not end with the process. What it does then is ignored.
 * - After a millisecond of calls the event loop makes a turn: results leave, CANCELs arrive,
 *   timers of functions run.
 *
 * Called by session.ts.
 */
import { performance } from "node:perf_hooks";
import { type Call, cancelText } from "./call.js";
import { CallProblem } from "./call-problem.js";
import { CallQueue } from "./call-queue.js";
import { CallContext } from "./context.js";
import { describeError } from "./describe-error.js";
import { decodeArguments } from "./direct-arguments.js";
import type { ResultEncoder } from "./encode-result.js";
import type { FunctionTable, SharedCode } from "./function-table.js";
import { VisibleGpus } from "./held-resources.js";
import type { UserFunction } from "./load-code.js";
import type { Output } from "./output.js";

const MAX_LIGHT_PENDING = 256;
const TURN_MS = 1;
/** The worker kills the process when it hears nothing for twice as long. */
const ABANDON_MS = 250;
const FLUSH_BYTES = 64 * 1024;
const MAX_U32 = 2 ** 32 - 1;
/** A call with more arguments would overflow the stack. */
const MAX_ARGUMENTS = 100_000;

export class CallRunner {
  private readonly heavy = new CallQueue();
  private readonly light = new CallQueue();
  private readonly gpus = new VisibleGpus();
  private arrivals = 0;
  /** Started, not over: their promises are pending. */
  private readonly pending = new Set<Call>();
  private lightPending = 0;
  /** The call whose function is on the stack. */
  private current: Call | undefined;
  /** When this turn of the event loop began to run calls. */
  private turnStartMs = 0;
  private isResuming = false;
  private flushIsPlanned = false;

  constructor(
    private readonly functions: FunctionTable,
    private readonly encoder: ResultEncoder,
    private readonly output: Output,
  ) {}

  add(call: Call): void {
    call.arrival = this.arrivals++;
    (call.isLight ? this.light : this.heavy).push(call);
  }

  /** Runs what was added. */
  beginTurn(): void {
    this.turnStartMs = performance.now();
    this.pump();
  }

  cancel(serial: number, reason: number): void {
    for (const call of this.pending) {
      if (call.serial !== serial) continue;
      call.cancel(reason);
      if (call.isLight) setTimeout(() => this.abandon(call), ABANDON_MS);
    }
    const waiting = this.heavy.take(serial) ?? this.light.take(serial);
    if (waiting === undefined) return;
    waiting.isOver = true;
    this.output.failed(serial, 0, cancelText(reason));
    this.flushSoon();
  }

  private abandon(call: Call): void {
    if (call.isOver) return;
    const others = this.pending.size - 1 + this.heavy.length + this.light.length;
    if (others === 0) return;
    const problem = new CallProblem(cancelText(call.cancelReason));
    this.finishPending(call, () => this.fail(call, problem));
  }

  /** The calls whose functions run, the one on the stack first. */
  running(): Call[] {
    return this.current === undefined ? [...this.pending] : [this.current, ...this.pending];
  }

  /**
   * An error that no function returned: of a callback or a promise that nobody waits for. It is
   * the failure of the only call that runs, unless it comes from the code of another function.
   * @param origin whose code it comes from, if that is known
   * @returns false when it belongs to no call
   */
  failPending(error: unknown, origin: object | undefined): boolean {
    const [call, ...others] = this.pending;
    if (call === undefined || others.length > 0) return false;
    if (origin !== undefined && origin !== call.entry.code) return false;
    this.finishPending(call, () => this.fail(call, error));
    return true;
  }

  private pump(): void {
    if (this.isResuming) return;
    let nowMs = performance.now();
    for (;;) {
      const queue = this.nextQueue();
      if (queue === undefined) break;
      if (nowMs - this.turnStartMs > TURN_MS) {
        this.isResuming = true;
        setImmediate(() => {
          this.isResuming = false;
          this.beginTurn();
        });
        break;
      }
      const call = queue.first() as Call;
      queue.shift();
      nowMs = this.start(call, nowMs);
      if (this.output.waitingBytes >= FLUSH_BYTES) this.output.flush();
    }
    if (this.pending.size > 0 && !this.isResuming) this.flushSoon();
    else this.output.flush();
  }

  /** Where the call is that may start now. */
  private nextQueue(): CallQueue | undefined {
    const heavy = this.pending.size > this.lightPending ? undefined : this.heavy.first();
    const light = this.lightPending < MAX_LIGHT_PENDING ? this.light.first() : undefined;
    if (heavy === undefined) return light === undefined ? undefined : this.light;
    return light !== undefined && light.arrival < heavy.arrival ? this.light : this.heavy;
  }

  /** Results that come in the same turn of the event loop leave together. */
  private flushSoon(): void {
    if (this.flushIsPlanned || this.output.waitingBytes === 0) return;
    this.flushIsPlanned = true;
    setImmediate(() => {
      this.flushIsPlanned = false;
      this.output.flush();
    });
  }

  /** Returns the time when it returns. */
  private start(call: Call, nowMs: number): number {
    const { entry } = call;
    call.startedMs = nowMs;
    if (!call.isLight) this.gpus.show(call.held.gpus);
    // What is ready does not wait for a function that takes long, or may never return.
    if (entry.lastMs > TURN_MS) this.output.flush();
    this.current = call;
    try {
      if (entry.run === undefined) {
        const loading = this.functions.load(entry);
        if (loading !== undefined) {
          this.wait(
            call,
            loading.then(() => this.invokeLater(call)),
          );
          return performance.now();
        }
      }
      const result = this.invoke(call);
      if (isThenable(result)) this.wait(call, Promise.resolve(result));
      else return this.succeed(call, result);
    } catch (error) {
      return this.fail(call, error);
    } finally {
      this.current = undefined;
    }
    return performance.now();
  }

  private invokeLater(call: Call): unknown {
    if (call.cancelReason !== 0) throw new CallProblem(cancelText(call.cancelReason));
    this.current = call;
    try {
      return this.invoke(call);
    } finally {
      this.current = undefined;
    }
  }

  private invoke(call: Call): unknown {
    const { entry, inputs } = call;
    const run = entry.run as UserFunction;
    (entry.code as SharedCode).lastSerial = call.serial;
    const hasDirect = call.configBytes > 0 && call.frame[call.configStart] !== 0;
    if (!hasDirect && !entry.hasContext) {
      if (inputs.length === 0) return run();
      if (inputs.length === 1) return run(inputs[0]);
      if (inputs.length === 2) return run(inputs[0], inputs[1]);
    }
    const direct = hasDirect
      ? decodeArguments(
          call.frame.subarray(call.configStart, call.configStart + call.configBytes),
          entry.name,
        )
      : [];
    if (inputs.length + direct.length > MAX_ARGUMENTS) {
      throw new CallProblem(
        `function "${entry.name}" has ${inputs.length} inputs, and a function can't take more than ` +
          `${MAX_ARGUMENTS}: put them into arrays (tasks.arrayMake)`,
      );
    }
    if (!entry.hasContext) return run(...direct, ...inputs);
    const context = new CallContext(call, (serial, level, text) => this.log(serial, level, text));
    return run(context, ...direct, ...inputs);
  }

  /** Lines of a function that then crashes must not be lost: they leave at once. */
  log(serial: number, level: number, text: string): void {
    this.output.log(serial, level, text);
    this.output.flush();
  }

  private wait(call: Call, result: Promise<unknown>): void {
    this.pending.add(call);
    if (call.isLight) this.lightPending++;
    result.then(
      (value) => this.finishPending(call, () => this.succeed(call, value)),
      (error) => this.finishPending(call, () => this.fail(call, error)),
    );
  }

  private finishPending(call: Call, finish: () => void): void {
    // It may have failed before by an error in a callback.
    if (!this.pending.delete(call)) return;
    if (call.isLight) this.lightPending--;
    this.current = call;
    finish();
    this.current = undefined;
    this.pump();
  }

  private succeed(call: Call, value: unknown): number {
    const { output } = this;
    output.beginResult(call.serial);
    try {
      this.encoder.encode(call, value);
    } catch (error) {
      output.dropResult();
      return this.fail(call, error);
    }
    const nowMs = performance.now();
    output.endResult(this.over(call, nowMs));
    return nowMs;
  }

  private fail(call: Call, error: unknown): number {
    const message = describeError(error);
    const nowMs = performance.now();
    this.output.failed(call.serial, this.over(call, nowMs), message);
    return nowMs;
  }

  /** Returns the duration in microseconds. */
  private over(call: Call, nowMs: number): number {
    call.isOver = true;
    const ms = nowMs - call.startedMs;
    call.entry.lastMs = ms;
    return Math.min(Math.round(ms * 1000), MAX_U32);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" && typeof value !== "function") return false;
  return value !== null && typeof (value as { then?: unknown }).then === "function";
}
