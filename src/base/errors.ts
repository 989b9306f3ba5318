/**
 * Error types that are shown to people. Owns: the base class, its codes. Everything that
 * a user can cause is thrown or sent as one of these; anything else is a bug.
 */

/**
 * What kind of thing went wrong. `usage`: a wrong argument; `connection`: a peer is not
 * reachable or went away; `protocol`: a peer sent something malformed; `plan`: a plan was
 * refused; `task`: a task failed; `released`: a future was used after its release;
 * `cancelled`: an AbortSignal fired; `internal`: a bug.
 */
export type LoomErrorCode =
  | "usage"
  | "connection"
  | "protocol"
  | "plan"
  | "task"
  | "released"
  | "cancelled"
  | "internal";

/** Base of all errors of HyperLoom. `message` is one line: the thing, the cause, what to do. */
export class LoomError extends Error {
  override readonly name: string = "LoomError";
  constructor(
    readonly code: LoomErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A peer sent bytes that are not what the protocol says; its connection is closed. */
export class ProtocolError extends LoomError {
  override readonly name = "ProtocolError";
  constructor(message: string, options?: ErrorOptions) {
    super("protocol", message, options);
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
