/** Room `server`: the server process. */
export { startServer } from "./loom-server.js";
export type { RunningServer, ServerOptions } from "./options.js";
