/** The error whose message says all: it is shown without a stack. */
export class CallProblem extends Error {
  override readonly name = "CallProblem";
}

/** What to do about a module that is not found. */
export const INSTALL_MODULE =
  "install it where the worker runs, or let the function be bundled with it";
