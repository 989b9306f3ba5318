/** Arguments and flags of `loom trace`, for the table of commands (options.ts). */
import { type CommandSpec, DEBUG } from "./command-spec.js";

export interface TraceFlags {
  run?: string;
  format?: string;
  output?: string;
  json?: true;
  debug?: true;
}

export const TRACE: CommandSpec = {
  name: "trace",
  summary: "look into a trace, or export it",
  details:
    "Reads a trace that a server and its workers wrote (loom server --trace, client.setTrace). " +
    "info prints what is in it, export writes it in a format of other tools: chrome (all of it, for ui.perfetto.dev), " +
    "csv or arrow (a table of the tasks). docs/trace.md explains what is in a trace. " +
    "What can't be read of a damaged trace is left out, with a warning on standard error.",
  arguments: [
    { name: "<action>", description: "info or export" },
    { name: "<directory>", description: "the directory of the trace" },
  ],
  options: [
    { flags: "--format <format>", description: "for export: chrome, csv or arrow" },
    {
      flags: "-o, --output <file>",
      description:
        "for export: where to write; - = standard output (default: -, arrow needs a file)",
    },
    {
      flags: "--run <id>",
      description: "the trace whose id begins like this, if the directory has several",
    },
    { flags: "--json", description: "for info: print JSON, for programs" },
    DEBUG,
  ],
  examples: [
    "loom trace info /shared/trace",
    "loom trace export /shared/trace --format chrome -o trace.json",
    "loom trace export /shared/trace --format csv -o tasks.csv",
  ],
};
