// A cluster process that does what its argument says.
const [, , what] = process.argv;
process.on("disconnect", () => process.exit(0));
if (what === "up") process.send({ loom: "listening", host: "::1", port: 7 });
if (what === "refuse") process.send({ loom: "failed", message: "port 7 is in use" });
if (what === "crash") {
  console.error("first line\nthe disk is full");
  process.exit(3);
}
