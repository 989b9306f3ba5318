/**
 * How a command fails: one line and an exit code. Owns: the error type and the mapping of
 * anything thrown to that line. Called by every command; printed by program.ts.
 */
import { LoomError, messageOf } from "../base/index.js";

/** The command line itself is wrong. */
export const EXIT_USAGE = 2;
/** The command line is right, but it could not be done. */
export const EXIT_FAILURE = 1;

/** Ends a command with a message for people. */
export class CliError extends Error {
  override readonly name = "CliError";
  constructor(
    message: string,
    readonly exitCode: number = EXIT_FAILURE,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A wrong flag or argument. */
export function usageError(message: string): CliError {
  return new CliError(message, EXIT_USAGE);
}

/** What to print and with which code to exit for anything thrown. */
export function describeFailure(error: unknown): { message: string; exitCode: number } {
  if (error instanceof CliError) return { message: error.message, exitCode: error.exitCode };
  if (error instanceof LoomError) {
    const exitCode = error.code === "usage" ? EXIT_USAGE : EXIT_FAILURE;
    return { message: error.message, exitCode };
  }
  return {
    message: `internal error: ${messageOf(error)}; run again with --debug to see where`,
    exitCode: EXIT_FAILURE,
  };
}
