/**
 * Logs of a process: pino to standard error; pretty on a terminal, JSON lines otherwise.
 * Synchronous (no worker thread), so that the last lines before an exit are there.
 */
import pino, { type Logger } from "pino";

export async function createLogger(debug: boolean): Promise<Logger> {
  const level = debug ? "debug" : "info";
  if (!process.stderr.isTTY) {
    return pino({ level, base: undefined }, pino.destination({ fd: 2, sync: true }));
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
