/**
 * The message of a failure without what is shown beside it. Owns how programs and functions put their output into
 * messages. Called where failures become views: by the report (in Node) and by the live page.
 */

/** @param stderr what is shown apart; "": nothing is, so the message keeps all that it has */
export function withoutOutput(message: string, stderr: string): string {
  return stderr === "" ? message : message.split(/\nStderr:\n/)[0];
}
