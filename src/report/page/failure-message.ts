/**
 * The message of a failure without what is shown beside it, and its beginning. Owns how programs and functions put
 * their output into messages. Called where failures become views, by the report (in Node) and by the live page, and
 * where they are shown. No DOM.
 */
import { shortened } from "./format.js";

const MAX_LINE = 300;

/** @param stderr what is shown apart; "": nothing is, so the message keeps what it has of it */
export function withoutOutput(message: string, stderr: string): string {
  const [first, ...output] = message.split("\nStderr:\n");
  const isShown = stderr !== "" || output.join("").trim() === "";
  return isShown ? first : message;
}

/** What fits where failures are listed; the whole message is shown with all else that is known. */
export function firstLine(message: string): string {
  return shortened(message.split("\n", 1)[0], MAX_LINE);
}
