/** What is thrown inside this room when a trace can't be read any further; read-trace.ts makes a warning of it. */
export class DamagedTrace extends Error {
  override readonly name = "DamagedTrace";
}
