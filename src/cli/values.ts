/**
 * Text from the command line → checked values. Owns: what a port, a number of cpus, a time
 * or a directory may be, and the message when it is something else. Called by options.ts
 * and the commands.
 */
import { accessSync, constants, statSync } from "node:fs";
import { isIPv6 } from "node:net";
import { resolve } from "node:path";
import { systemReason } from "../base/index.js";
import { makeDirectories } from "../trace/index.js";
import { type Address, parseAddress } from "../transport/index.js";
import { CliError, usageError } from "./cli-error.js";

export const DEFAULT_PORT = 9010;
export const DEFAULT_HOST = "127.0.0.1";

function wholeNumber(name: string, text: string, min: number, max: number, what: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw usageError(
      `${name} ${text || '""'} is not ${what}; give a whole number from ${min} to ${max}`,
    );
  }
  return value;
}

/** A port to listen on; 0 lets the system choose. */
export function portToListen(name: string): (text: string) => number {
  return (text) => wholeNumber(name, text, 0, 65_535, "a port");
}

/** The same; "none": not to listen at all. */
export function portOrNone(name: string): (text: string) => number | "none" {
  return (text) => {
    if (text === "none") return text;
    const what = 'a port, or "none"';
    return wholeNumber(name, text, 0, 65_535, what);
  };
}

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return /^(localhost$|127\.|\[?::1\]?$)/.test(host);
}

/** A count between `min` and `max`. */
export function countOf(
  name: string,
  what: string,
  min: number,
  max: number,
): (text: string) => number {
  return (text) => wholeNumber(name, text, min, max, what);
}

/** A time span in seconds, fractions allowed; at most 24 days, the longest a timer can be. */
export function secondsOf(name: string): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (!(value > 0 && value <= 2_000_000)) {
      throw usageError(
        `${name} ${text || '""'} is not a time; give seconds above 0 and up to 2000000, such as 30 or 0.5`,
      );
    }
    return value;
  };
}

/** An address to listen on: an IP address or a host name of this machine, without a port. */
export function listenAddress(name: string): (text: string) => string {
  return (text) => {
    const host = withoutBrackets(text);
    if (host === "" || /[\s/]/.test(host) || (host.includes(":") && !isIPv6(host))) {
      throw usageError(
        `${name} ${text || '""'} is not an address; give an IP address or host name without a port, such as 127.0.0.1 or 0.0.0.0`,
      );
    }
    return host;
  };
}

/** Collects the values of a flag that can be given several times. */
export function listOf(text: string, previous: unknown): string[] {
  return [...((previous as string[] | undefined) ?? []), text];
}

/** The same for a flag with a default: the first value given takes its place. */
export function listInPlaceOf(
  fallback: readonly string[],
): (text: string, previous: unknown) => string[] {
  return (text, previous) => (previous === fallback ? [text] : listOf(text, previous));
}

/** A server's address, as "host:port", or as a host and a port in two arguments. */
export function serverAddress(address: string, port?: string): Address {
  if (port === undefined) return parseAddress(address, DEFAULT_PORT);
  if (address.includes(":") && !isIPv6(withoutBrackets(address))) {
    throw usageError(
      `server address ${address} has a port already; give either ${address} or a host and a port`,
    );
  }
  const { host } = parseAddress(address, DEFAULT_PORT);
  return { host, port: wholeNumber("port", port, 1, 65_535, "a port") };
}

/**
 * The server to talk to: the given address, as argument or --server, else LOOM_SERVER, else the default port
 * here.
 */
export function chosenServer(address: string | undefined, option?: string): Address {
  if (address !== undefined && option !== undefined && address !== option) {
    throw usageError(
      `two servers are given, ${address} and --server ${option}; leave one of them out`,
    );
  }
  const text = address ?? option ?? process.env.LOOM_SERVER;
  if (!text) return { host: DEFAULT_HOST, port: DEFAULT_PORT };
  return serverAddress(text);
}

/** A directory that need not exist. The empty name, of a variable that is not set, would be the current one. */
export function directoryName(name: string): (text: string) => string {
  return (text) => {
    if (text === "") throw usageError(`${name} is empty; give the name of a directory`);
    return text;
  };
}

/** Makes the directory if it is missing; fails unless files can be made in it. */
export function usableDirectory(name: string, path: string): string {
  const full = resolve(path);
  try {
    makeDirectories(full);
  } catch (error) {
    throw new CliError(
      `${name} ${full} cannot be created: ${systemReason(error)}; give a directory that this user may write`,
    );
  }
  try {
    accessSync(full, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CliError(
      `${name} ${full} cannot be used: ${systemReason(error)}; give a directory that this user may read and write`,
    );
  }
  return full;
}

/**
 * The full path of a file that can be read.
 *
 * @param what is wanted, for the message if it is a directory: "the path of a script"
 */
export function readableFile(name: string, path: string, what: string): string {
  const full = resolve(path);
  try {
    accessSync(full, constants.R_OK);
  } catch (error) {
    throw new CliError(`${name} ${full} cannot be read: ${systemReason(error)}; check the path`);
  }
  if (!statSync(full).isFile()) {
    throw new CliError(`${name} ${full} is not a file; give ${what}`);
  }
  return full;
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
