/** docs/cli.md, made from the table in options.ts. Called by scripts/write-cli-docs.mjs. */
import { COMMANDS, type CommandSpec, type OptionSpec } from "./options.js";

const OPENING = `# Command line

<!-- Made by \`npm run docs\` from src/cli/options.ts; do not edit. -->

The package has three programs: \`loom\` with the commands below, \`loom-server\` (the same as
\`loom server\`) and \`loom-worker\` (the same as \`loom worker\`). Every command has \`--help\`.
`;

const EXIT_CODES = table(
  ["code", "meaning"],
  [
    ["0", "done; for a server or worker: stopped in order (SIGINT, SIGTERM, `loom stop`)"],
    ["1", "it could not be done: server not reachable or lost, port in use, file not there"],
    ["2", "the command line is wrong"],
    ["130", "a second SIGINT (143: SIGTERM) ended it at once, while it was stopping in order"],
  ],
);

const VARIABLES = table(
  ["variable", "meaning"],
  [
    [
      "`LOOM_SERVER`",
      "host:port of the server that `status`, `top`, `explain`, `stop` and `Client.connect()` use when none is given",
    ],
    ["`LOOM_PROGRESS`", "0: clients show no progress in a terminal (docs/progress.md)"],
    ["`NO_COLOR`", "no colours in logs"],
  ],
);

const CLOSING = `## Output, logs, exit codes

A server and a worker print one line on standard output when they are ready; their logs go to
standard error: coloured lines on a terminal, else one JSON object per line. An error is one
line on standard error that names the thing, the cause, and what to do.

${EXIT_CODES}

\`loom run\` ends with the code of the script.

## Environment

${VARIABLES}

## Started by another process

Started with an IPC channel (Node's \`fork\`), a server sends \`{loom: "listening", host, port}\` and a
worker \`{loom: "registered", address}\` when ready, or \`{loom: "failed", message}\`; both stop in order
when the channel closes.

## Docker

\`docker compose up --scale worker=4\` starts a server and workers; the server's port is published on
this machine only. The tests read \`Dockerfile\` and \`docker-compose.yml\` (their commands and flags
are compared with those above, copied files exist); no image was built and no container run yet.
`;

/** The whole text of docs/cli.md. */
export function cliReference(): string {
  return [OPENING, ...COMMANDS.map(section), CLOSING].join("\n");
}

function section(spec: CommandSpec): string {
  const usage = ["loom", spec.name, ...spec.arguments.map(({ name }) => name), "[flags]"];
  const lines = [`## loom ${spec.name}`, "", `    ${usage.join(" ")}`, "", spec.details, ""];
  if (spec.arguments.length > 0) {
    const rows = spec.arguments.map(({ name, description }) => [`\`${name}\``, description]);
    lines.push(table(["argument", "meaning"], rows), "");
  }
  lines.push(table(["flag", "meaning", "default"], spec.options.map(optionRow)), "");
  // The comment: test/project/readme-examples.test.ts compares them with the table of options.
  lines.push("<!-- check -->", "", "```sh", ...spec.examples, "```", "");
  return lines.join("\n");
}

function optionRow({ flags, description, default: value }: OptionSpec): string[] {
  return [`\`${flags}\``, description, value === undefined ? "" : `\`${String(value)}\``];
}

/** With aligned columns, as the formatter wants them. */
function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
