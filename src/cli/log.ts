/**
 * Logs of a process: pino to standard error; pretty on a terminal, JSON lines otherwise.
 */
import pino, { type Logger } from "pino";

/** More than that waiting for a reader is dropped. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;

export async function createLogger(debug: boolean): Promise<Logger> {
  const level = debug ? "debug" : "info";
  if (!process.stderr.isTTY) {
    // Not synchronous: whoever reads a pipe may be busy (a client that computes reads nothing of its
    // embedded cluster), and a full pipe would stop the whole process. At an exit what is left is
    // written.
    const stream = pino.destination({ fd: 2, sync: false, maxLength: MAX_UNWRITTEN_BYTES });
    stream.on("error", () => {}); // The reader has gone: nobody is left to be told.
    return pino({ level, base: undefined }, stream);
  }
  // Costs 20 ms to load; only people at a terminal need it.
  const { default: pretty } = await import("pino-pretty");
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: !process.env.NO_COLOR,
    ignore: "pid,hostname",
    translateTime: "SYS:HH:MM:ss.l",
  });
  return pino({ level, base: undefined }, stream);
}
