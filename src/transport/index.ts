/** Room `transport`: sockets that carry frames. */
export * from "./connection.js";
