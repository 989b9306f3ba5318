import { describe, expect, it } from "vitest";
import { LoomError } from "../../src/base/index.js";
import { formatAddress, parseAddress } from "../../src/transport/index.js";

describe("parseAddress", () => {
  it.each([
    ["node7:9010", undefined, "node7", 9010],
    [" 127.0.0.1:1 ", undefined, "127.0.0.1", 1],
    ["[::1]:65535", undefined, "::1", 65535],
    ["node7", 9010, "node7", 9010],
    ["node7:80", 9010, "node7", 80],
    ["::1", 9010, "::1", 9010],
    ["[fe80::1]", 9010, "fe80::1", 9010],
  ])("reads %j with default port %j", (text, defaultPort, host, port) => {
    expect(parseAddress(text, defaultPort)).toEqual({ host, port });
  });

  it.each([
    ["node7", /"node7": the port is missing; write HOST:PORT/],
    ["node7:", /port "" is not a number from 1 to 65535/],
    ["node7:0", /port "0" is not/],
    ["node7:65536", /port "65536" is not/],
    ["node7:9010x", /port "9010x" is not/],
    ["node7:-1", /port "-1" is not/],
    ["node7:1e3", /port "1e3" is not/],
    [":9010", /the host is missing/],
    ["", /the host is missing/],
    ["a:b:1", /port "b:1" is not/],
    ["[node7]:1", /"node7" in brackets is not an IPv6 address/],
    ["[::1:1", /write HOST:PORT or \[IPV6\]:PORT/],
    ["tcp://node7:1", /port "\/\/node7:1" is not/],
    ["two words:1", /write HOST:PORT/],
  ])("refuses %j", (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
    expect(() => parseAddress(text)).toThrow(LoomError);
  });

  it("takes what formatAddress gives", () => {
    for (const host of ["node7", "10.0.0.1", "::1"]) {
      expect(parseAddress(formatAddress(host, 9))).toEqual({ host, port: 9 });
    }
  });
});
