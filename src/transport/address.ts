/** Addresses as text, both ways. Called by the rest of transport, cli, client and worker. */
import { isIPv6 } from "node:net";
import { LoomError } from "../base/index.js";

/** Where something listens. */
export interface Address {
  /** Name or IP address, IPv6 without brackets. */
  host: string;
  port: number;
}

/**
 * Reads "host:port", "[::1]:9010", or, when there is a default port, "host", "::1" and
 * "[::1]". Throws LoomError("usage") saying what is wrong and how to write it.
 *
 * @example
 * parseAddress("node7:9010"); // { host: "node7", port: 9010 }
 * parseAddress("node7", 9010); // the same
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const trimmed = text.trim();
  if (isIPv6(trimmed)) return { host: trimmed, port: portOr(text, undefined, defaultPort) };
  const match = /^(?:\[([^\]]*)\]|([^:[\]\s/]*))(?::(.*))?$/.exec(trimmed);
  if (match === null) {
    throw wrong(text, "write HOST:PORT or [IPV6]:PORT, for example node7:9010");
  }
  const [, bracketed, plain, port] = match;
  if (bracketed !== undefined && !isIPv6(bracketed)) {
    throw wrong(text, `"${bracketed}" in brackets is not an IPv6 address`);
  }
  const host = bracketed ?? plain;
  if (host === "") throw wrong(text, "the host is missing; write HOST:PORT");
  return { host, port: portOr(text, port, defaultPort) };
}

/** "host:port", with brackets around an IPv6 address. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function portOr(text: string, port: string | undefined, defaultPort: number | undefined): number {
  if (port === undefined) {
    if (defaultPort !== undefined) return defaultPort;
    throw wrong(text, "the port is missing; write HOST:PORT");
  }
  const number = Number(port);
  if (!/^\d+$/.test(port) || number < 1 || number > 65535) {
    throw wrong(text, `port "${port}" is not a number from 1 to 65535`);
  }
  return number;
}

function wrong(text: string, why: string): LoomError {
  return new LoomError("usage", `wrong address "${text}": ${why}`);
}
