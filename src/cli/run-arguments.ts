/**
 * Order of arguments of `loom run`: --server may stand before or after the file. Called by
 * program.ts before commander, which hands everything after the file to the script.
 */

/** Moves `--server ADDRESS` from behind the file (and before a `--`) to before it. */
export function hoistServerOption(argv: string[]): string[] {
  if (argv[0] !== "run") return argv;
  const hoisted: string[] = [];
  const rest: string[] = [];
  let i = 1;
  for (; i < argv.length && argv[i] !== "--"; i++) {
    if (argv[i] === "--server" && i + 1 < argv.length) {
      hoisted.push(argv[i], argv[i + 1]);
      i += 1;
    } else if (argv[i].startsWith("--server=")) {
      hoisted.push(argv[i]);
    } else {
      rest.push(argv[i]);
    }
  }
  // The "--" itself is ours when it stands behind the file; before it, commander takes it.
  const hasFile = rest.some((argument) => !argument.startsWith("-"));
  const tail = hasFile ? argv.slice(i + 1) : argv.slice(i);
  return ["run", ...hoisted, ...rest, ...tail];
}
