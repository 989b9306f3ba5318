/** Arguments and flags of `loom report`, for the table of commands (options.ts). */
import { type CommandSpec, DEBUG } from "./command-spec.js";

export interface ReportFlags {
  output: string;
  run?: string;
  force?: true;
  debug?: true;
}

export const REPORT: CommandSpec = {
  name: "report",
  summary: "make a report of a trace",
  details:
    "Reads a trace that a server and its workers wrote (loom server --trace, client.setTrace) and writes one HTML file " +
    "that opens in a browser without a network: time line, load, critical path, why tasks waited, failures and more. " +
    "Prints the path of the file. docs/report.md explains what is in it.",
  arguments: [{ name: "<directory>", description: "the directory of the trace" }],
  options: [
    {
      flags: "-o, --output <file>",
      description: "where to write; a report that is there is replaced",
      default: "output.html",
    },
    {
      flags: "--run <id>",
      description: "the trace whose id begins like this, if the directory has several",
    },
    { flags: "--force", description: "replace the file also if it is not a report" },
    DEBUG,
  ],
  examples: ["loom report /shared/trace", "loom report /shared/trace -o monday.html"],
};
