/** Splits a command line into words as a shell does, without any expansion. For tasks.run. */
import { LoomError } from "../base/index.js";

/**
 * Words are separated by white space. 'single quotes' keep everything, "double quotes"
 * everything but `\"` and `\\`; outside of quotes a backslash keeps the next character. `$`, `*`, `|`,
 * `>` mean nothing special.
 * @throws LoomError("usage") for a quote that is not closed or a backslash at the end
 */
export function splitCommand(command: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < command.length; i++) {
    const char = command[i];
    if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= "";
    if (char === quote) {
      quote = undefined;
    } else if (quote === undefined && (char === "'" || char === '"')) {
      quote = char;
    } else if (char === "\\" && quote !== "'") {
      const following = command[i + 1];
      if (following === undefined) {
        throw new LoomError("usage", `command ends with a backslash: ${command}`);
      }
      const kept = quote === undefined || following === '"' || following === "\\";
      word += kept ? following : `\\${following}`;
      i++;
    } else {
      word += char;
    }
  }
  if (quote !== undefined) {
    throw new LoomError("usage", `command has a ${quote} that is not closed: ${command}`);
  }
  if (word !== undefined) words.push(word);
  return words;
}
