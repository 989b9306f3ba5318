/** Room `transport`: sockets that carry frames. */
export * from "./address.js";
export { type ConnectOptions, connect } from "./connect.js";
export * from "./connection.js";
export { listen } from "./listen.js";
export { PeerClient, type PeerGetOptions, type PeerObject, type PeerRange } from "./peer-client.js";
export { explainListenError } from "./socket-errors.js";
