/**
 * The table of commands, arguments and flags. Help texts (program.ts) and docs/cli.md
 * (reference.ts) are made from it; nothing else describes a flag.
 */
import type { WorkerResource } from "../graph/index.js";
import {
  type ArgumentSpec,
  type CommandName,
  type CommandSpec,
  DEBUG,
  type OptionSpec,
} from "./command-spec.js";
import { REPORT } from "./report-options.js";
import { resourceOf, shareOf } from "./resource-values.js";
import { SIMULATE } from "./simulate-options.js";
import { TRACE } from "./trace-options.js";
import {
  countOf,
  DEFAULT_HOST,
  DEFAULT_PORT,
  directoryName,
  listenAddress,
  listOf,
  portOrNone,
  portToListen,
  secondsOf,
} from "./values.js";

export type { ArgumentSpec, CommandName, CommandSpec, OptionSpec } from "./command-spec.js";

export interface ServerFlags {
  port: number;
  listen: string;
  heartbeatTimeout: number;
  maxLosses: number;
  trace?: string;
  httpPort: number | "none";
  httpHost: string;
  debug?: true;
}

export interface WorkerFlags {
  cpus?: number;
  resource?: WorkerResource[];
  share?: { part: number; of: number };
  wdir?: string;
  nopin?: true;
  python?: string;
  extension?: string[];
  listen?: string;
  zeroWork?: true;
  debug?: true;
}

export interface StatusFlags {
  server?: string;
  json?: true;
  debug?: true;
}

export interface DashboardFlags {
  server?: string;
  open?: true;
  debug?: true;
}

export interface ExplainFlags {
  server?: string;
  json?: true;
  debug?: true;
}

export interface RunFlags {
  server?: string;
  debug?: true;
}

export interface TopFlags {
  server?: string;
  debug?: true;
}

export interface StopFlags {
  server?: string;
  debug?: true;
}

const CLIENT_ADDRESS: ArgumentSpec = {
  name: "[address]",
  description: `host:port of the server (default: LOOM_SERVER, else ${DEFAULT_HOST}:${DEFAULT_PORT})`,
};

/** The same as an option, as `explain` and `run` have it. */
const SERVER: OptionSpec = {
  flags: "--server <address>",
  description: `host:port of the server (default: LOOM_SERVER, else ${DEFAULT_HOST}:${DEFAULT_PORT})`,
};

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "server",
    summary: "start a server",
    details:
      "Takes plans from clients and has workers execute them. Prints where it listens, and the address of its dashboard, a web page. " +
      "Anyone who can reach its port can run programs on the workers, and anyone who can reach the dashboard can cancel tasks, " +
      "so it listens on this machine only unless told otherwise.",
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
      {
        flags: "--trace <dir>",
        description: "write a trace of all that happens into this directory, for loom report",
        parse: directoryName("--trace"),
      },
      {
        flags: "--http-port <n>",
        description: "port for the dashboard, metrics and the API; 0 = any free one, none = off",
        parse: portOrNone("--http-port"),
        default: 0,
      },
      {
        flags: "--http-host <address>",
        description: "address to listen on for them",
        parse: listenAddress("--http-host"),
        default: DEFAULT_HOST,
      },
      DEBUG,
    ],
    examples: [
      "loom server",
      "loom server --port 0",
      "loom server --listen 0.0.0.0",
      "loom server --trace /shared/trace",
    ],
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
        parse: countOf("--cpus", "a number of cores", 1, 65_535),
      },
      {
        flags: "--resource <name=amount>",
        description:
          "what else tasks may hold: gpus=2 (2 that are told apart by numbers), gpus=[0,3] (by these names), mem=64GiB or licences=2.5 (only amounts), gpus=0 (none); can be given several times (default: mem and gpus as they are detected)",
        parse: resourceOf,
      },
      {
        flags: "--share <i/n>",
        description:
          "detect only part i of n of memory and GPUs, for n workers on one machine (default: all)",
        parse: shareOf,
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
      "loom worker node1:9010 --resource gpus=2 --resource mem=64GiB --resource licences=3",
      "loom worker node1:9010 --extension ./my-extension.js",
    ],
  },
  {
    name: "status",
    summary: "show workers, tasks and objects of a server",
    details: "Connects as a client, prints the state of the cluster, and ends.",
    arguments: [CLIENT_ADDRESS],
    options: [SERVER, { flags: "--json", description: "print JSON, for programs" }, DEBUG],
    examples: ["loom status", "loom status node1:9010 --json"],
  },
  {
    name: "top",
    summary: "watch a cluster in the terminal",
    details:
      "Connects as a client and shows, again each second, workers, tasks by label, and the tasks that have been running " +
      "for the longest time. q quits. Without a terminal it prints all that once and ends.",
    arguments: [CLIENT_ADDRESS],
    options: [SERVER, DEBUG],
    examples: ["loom top", "loom top node1:9010"],
  },
  {
    name: "dashboard",
    summary: "print the address of a server's live page",
    details:
      "Connects as a client, prints the address (docs/dashboard.md says what is there), and ends.",
    arguments: [CLIENT_ADDRESS],
    options: [SERVER, { flags: "--open", description: "open it in a browser" }, DEBUG],
    examples: ["loom dashboard", "loom dashboard --open", "loom dashboard node1:9010"],
  },
  {
    name: "explain",
    summary: "say what becomes of a task, and why it does not run",
    details:
      "Connects as a client, prints one sentence about the task and what is behind it, and ends. " +
      "Messages name tasks by their id and label. Ids are those of one client; where several clients have the id, " +
      "or several tasks the label, all are explained, 20 at most.",
    arguments: [{ name: "<task>", description: "id, CLIENT:ID (number of the client), or label" }],
    options: [SERVER, { flags: "--json", description: "print JSON, for programs" }, DEBUG],
    examples: [
      "loom explain 5",
      "loom explain 2:5 --json",
      "loom explain train --server node1:9010",
    ],
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
    options: [SERVER, DEBUG],
    examples: ["loom stop", "loom stop node1:9010"],
  },
  SIMULATE,
  TRACE,
  REPORT,
];

/** The command of that name. */
export function getCommandSpec(name: CommandName): CommandSpec {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec === undefined) throw new Error(`no command ${name}`);
  return spec;
}
