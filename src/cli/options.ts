/**
 * The table of commands, arguments and flags. Help texts (program.ts) and docs/cli.md
 * (reference.ts) are made from it; nothing else describes a flag.
 */
import {
  countOf,
  DEFAULT_HOST,
  DEFAULT_PORT,
  listenAddress,
  listOf,
  portToListen,
  secondsOf,
} from "./values.js";

/** One flag. */
export interface OptionSpec {
  /** As commander reads it: "-p, --port <n>". */
  flags: string;
  description: string;
  /** Text → value; throws a CliError. Without it: the text, or true for a flag without value. */
  parse?: (text: string, previous: unknown) => unknown;
  default?: unknown;
}

/** One positional argument: "<required>", "[optional]", "[several...]". */
export interface ArgumentSpec {
  name: string;
  description: string;
}

export type CommandName = "server" | "worker" | "status" | "run" | "stop";

/** One command. */
export interface CommandSpec {
  name: CommandName;
  summary: string;
  /** What help and docs say below the summary. */
  details: string;
  arguments: ArgumentSpec[];
  options: OptionSpec[];
  examples: string[];
}

export interface ServerFlags {
  port: number;
  listen: string;
  heartbeatTimeout: number;
  maxLosses: number;
  debug?: true;
}

export interface WorkerFlags {
  cpus?: number;
  wdir?: string;
  nopin?: true;
  python?: string;
  extension?: string[];
  listen?: string;
  zeroWork?: true;
  debug?: true;
}

export interface StatusFlags {
  json?: true;
  debug?: true;
}

export interface RunFlags {
  server?: string;
  debug?: true;
}

export interface StopFlags {
  debug?: true;
}

const DEBUG: OptionSpec = {
  flags: "--debug",
  description: "log at debug level, and show the stack of an error",
};

const CLIENT_ADDRESS: ArgumentSpec = {
  name: "[address]",
  description: `host:port of the server (default: LOOM_SERVER, else ${DEFAULT_HOST}:${DEFAULT_PORT})`,
};

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "server",
    summary: "start a server",
    details:
      "Takes plans from clients and has workers execute them. Prints one line when it listens. " +
      "Anyone who can reach its port can run programs on the workers, so it listens on this machine only unless told otherwise.",
    arguments: [],
    options: [
      {
        flags: "-p, --port <n>",
        description: "port for clients and workers; 0 = any free one",
        parse: portToListen("--port"),
        default: DEFAULT_PORT,
      },
      {
        flags: "--listen <address>",
        description: "address to listen on; 0.0.0.0 = all networks of this machine",
        parse: listenAddress("--listen"),
        default: DEFAULT_HOST,
      },
      {
        flags: "--heartbeat-timeout <seconds>",
        description: "a worker not heard of for this long is taken for dead",
        parse: secondsOf("--heartbeat-timeout"),
        default: 30,
      },
      {
        flags: "--max-losses <n>",
        description: "how often a task may be lost with its worker before it fails",
        parse: countOf("--max-losses", "a number of losses", 0, 1_000_000),
        default: 5,
      },
      DEBUG,
    ],
    examples: ["loom server", "loom server --port 0", "loom server --listen 0.0.0.0"],
  },
  {
    name: "worker",
    summary: "start a worker",
    details:
      "Connects to a server and executes the tasks it is given. Prints one line when it is registered. " +
      "Ends with code 0 when the server tells it to stop, with code 1 when the server is lost.",
    arguments: [
      { name: "<server-address>", description: "host of the server, or host:port" },
      { name: "[port]", description: `port of the server (default: ${DEFAULT_PORT})` },
    ],
    options: [
      {
        flags: "--cpus <n>",
        description: "cores that tasks may hold (default: all that this process may use)",
        parse: countOf("--cpus", "a number of cores", 1, 65_536),
      },
      {
        flags: "--wdir <dir>",
        description:
          "the worker makes worker-HOST-PORT/ in it and removes that at its end (default: the system's temporary folder)",
      },
      { flags: "--nopin", description: "do not pin programs to cores" },
      {
        flags: "--python <path>",
        description:
          'interpreter for Python functions, with cloudpickle (default: LOOM_PYTHON, else python3); "none": they are not offered',
      },
      {
        flags: "--extension <module>",
        description:
          "load task types and data types from a module: a path from the current directory (.js, .mjs, .ts), or a package that can be imported from there; can be given several times",
        parse: listOf,
      },
      {
        flags: "--listen <address>",
        description:
          "address to hand objects to other workers on (default: that of the connection to the server)",
        parse: listenAddress("--listen"),
      },
      {
        flags: "--zero-work",
        description: "finish every task at once without doing it, to measure a server",
      },
      DEBUG,
    ],
    examples: [
      "loom worker 127.0.0.1 9010",
      "loom worker node1:9010 --cpus 4 --wdir /scratch",
      "loom worker node1:9010 --extension ./my-extension.js",
    ],
  },
  {
    name: "status",
    summary: "show workers, tasks and objects of a server",
    details: "Connects as a client, prints the state of the cluster, and ends.",
    arguments: [CLIENT_ADDRESS],
    options: [{ flags: "--json", description: "print JSON, for programs" }, DEBUG],
    examples: ["loom status", "loom status node1:9010 --json"],
  },
  {
    name: "run",
    summary: "run a TypeScript or JavaScript pipeline",
    details:
      'Runs the file in this process; TypeScript needs no compilation, and "hyperloom" can be imported from anywhere. ' +
      "Client.connect() without an address uses --server, else LOOM_SERVER, else a cluster started for the script alone. " +
      "Everything after the file except --server goes to the script; after -- everything does.",
    arguments: [
      { name: "<file>", description: "the script" },
      { name: "[args...]", description: "its arguments" },
    ],
    options: [
      { flags: "--server <address>", description: "host:port of the server to use" },
      DEBUG,
    ],
    examples: ["loom run pipeline.ts", "loom run pipeline.ts --folds 5 --server node1:9010"],
  },
  {
    name: "stop",
    summary: "stop a server and its workers",
    details: "Running tasks are ended, results that nobody fetched are gone.",
    arguments: [CLIENT_ADDRESS],
    options: [DEBUG],
    examples: ["loom stop", "loom stop node1:9010"],
  },
];

/** The command of that name. */
export function getCommandSpec(name: CommandName): CommandSpec {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec === undefined) throw new Error(`no command ${name}`);
  return spec;
}
