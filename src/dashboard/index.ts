/** Room `dashboard`: what the server's HTTP port answers. Loaded when somebody asks. */
export { createHttpApp, type HttpApp } from "./http-app.js";
export type { ObservedServer, Taps, TaskTap } from "./observed-server.js";
