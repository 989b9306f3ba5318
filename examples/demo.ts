/** `npm run demo`: two examples one after the other, each with its own client. */
await import("./cross-validation/demo.js");
if (process.exitCode === undefined) {
  console.log();
  await import("./bootstrap/demo.js");
}
