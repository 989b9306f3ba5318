/** The error whose message says all: it is shown without a stack. */
export class CallProblem extends Error {
  override readonly name = "CallProblem";
}
