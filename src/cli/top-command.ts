/**
 * `loom top`: what a cluster does, again each second, on all of the terminal; once, where there is none. Owns
 * the terminal: its alternate screen and raw mode, and that both end however this process does.
 */
import type { ReadStream } from "node:tty";
import { drawnAtOnce, LoomError, showsUnicode } from "../base/index.js";
import { Client, type ClusterStatus } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import { CliError } from "./cli-error.js";
import type { TopFlags } from "./options.js";
import { topLines } from "./top-view.js";
import { chosenServer } from "./values.js";

const REFRESH_MS = 1000;
/** A server that is busy may take its time. */
const SILENT_MS = 3000;
/** The rate is that of so many refreshes. */
const RATE_SAMPLES = 10;
const DEFAULT_SIZE = { columns: 80, rows: 24 };
/** Alternate screen, no cursor, no wrapping of long lines. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/** q, Q, Escape; Ctrl-C and Ctrl-D are but keys in raw mode. */
const QUIT_KEYS = new Set(["q", "Q", "\x1b", "\x03", "\x04"]);
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export async function topCommand(args: string[], flags: TopFlags): Promise<number> {
  const { host, port } = chosenServer(args[0], flags.server);
  const address = formatAddress(host, port);
  await using client = await Client.connect(address);
  if (!process.stdout.isTTY || process.env.TERM === "dumb") {
    const view = {
      address,
      status: await client.status(),
      ratePerS: undefined,
      silentMs: undefined,
    };
    const everything = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
    const lines = topLines(view, { ...everything, unicode: showsUnicode(process.env) });
    process.stdout.write(`${lines.join("\n")}\n`);
    return 0;
  }
  await new TopScreen(client, address).run();
  return 0;
}

class TopScreen {
  private status: ClusterStatus | undefined;
  private answeredMs = performance.now();
  private isAsking = false;
  private readonly samples: { timeMs: number; done: number }[] = [];
  private quit!: () => void;
  private fail!: (error: Error) => void;
  /** Resolves when the user has had enough; rejects when the server is lost. */
  private readonly ended = new Promise<void>((resolve, reject) => {
    this.quit = resolve;
    this.fail = reject;
  });

  constructor(
    private readonly client: Client,
    private readonly address: string,
  ) {}

  async run(): Promise<void> {
    const { stdin, stdout } = process;
    const keyboard = stdin.isTTY ? stdin : undefined;
    stdout.write(ENTER);
    keyboard?.setRawMode(true).on("data", this.key);
    stdout.on("resize", this.draw);
    process.on("exit", this.restore);
    for (const signal of SIGNALS) process.on(signal, this.quit);
    this.refresh();
    const timer = setInterval(() => this.refresh(), REFRESH_MS);
    try {
      await this.ended;
    } finally {
      clearInterval(timer);
      for (const signal of SIGNALS) process.off(signal, this.quit);
      process.off("exit", this.restore);
      stdout.off("resize", this.draw);
      keyboard?.off("data", this.key).pause();
      this.restore();
    }
  }

  private readonly restore = (): void => {
    if (process.stdin.isTTY) (process.stdin as ReadStream).setRawMode(false);
    process.stdout.write(LEAVE);
  };

  private readonly key = (keys: Buffer): void => {
    for (const key of keys.toString("latin1")) if (QUIT_KEYS.has(key)) this.quit();
  };

  private refresh(): void {
    if (this.isAsking) {
      this.draw();
      return;
    }
    this.isAsking = true;
    this.client.status().then(
      (status) => {
        this.isAsking = false;
        this.status = status;
        this.answeredMs = performance.now();
        const { finished, failed } = status.tasks;
        this.samples.push({ timeMs: this.answeredMs, done: finished + failed });
        if (this.samples.length > RATE_SAMPLES + 1) this.samples.shift();
        this.draw();
      },
      (error: unknown) => this.fail(this.lost(error)),
    );
  }

  /** What the client says of a lost connection is about results, which nobody has here. */
  private lost(error: unknown): Error {
    if (!(error instanceof LoomError) || error.code !== "connection") return error as Error;
    return new CliError(
      `the connection to the server at ${this.address} was lost; it has stopped, or can't be reached any more`,
      undefined,
      { cause: error },
    );
  }

  private readonly draw = (): void => {
    if (this.status === undefined) return;
    const { columns = DEFAULT_SIZE.columns, rows = DEFAULT_SIZE.rows } = process.stdout;
    const silentMs = performance.now() - this.answeredMs;
    const view = {
      address: this.address,
      status: this.status,
      ratePerS: this.rate(),
      silentMs: silentMs < SILENT_MS ? undefined : silentMs,
    };
    const lines = topLines(view, { columns, rows, unicode: showsUnicode(process.env) });
    const text = lines.map((line) => `${line}\x1b[K`).join("\r\n");
    process.stdout.write(drawnAtOnce(`\x1b[H${text}\x1b[J`));
  };

  private rate(): number | undefined {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (first === undefined || last === undefined || first === last) return undefined;
    return ((last.done - first.done) / (last.timeMs - first.timeMs)) * 1000;
  }
}
