/**
 * Entry of the Node process that runs functions for a worker (docs/function-processes.md). Answers
 * as early as possible: all else is loaded while the worker reacts, and in a Node that is too
 * old might not even load.
 */
import { Socket } from "node:net";

const SOCKET = 3;
const MIN_NODE = 20;
/** Op of the READY record; protocol.ts is not loaded yet. */
const READY = 0;

/** The worker's number: it may die while this process starts. */
const parent = process.ppid;

function openSocket(): Socket {
  try {
    return new Socket({ fd: SOCKET, readable: true, writable: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(
      `function process: file descriptor ${SOCKET} is no socket (${reason}); a HyperLoom worker starts this program`,
    );
    return process.exit(1);
  }
}

function sendReady(socket: Socket, answer: object): void {
  const text = Buffer.from(JSON.stringify(answer));
  const frame = Buffer.alloc(9 + text.length);
  frame.writeUInt32LE(5 + text.length, 0);
  frame.writeUInt8(READY, 4);
  frame.writeUInt32LE(text.length, 5);
  frame.set(text, 9);
  socket.write(frame);
}

const socket = openSocket();
if (Number.parseInt(process.versions.node, 10) < MIN_NODE) {
  sendReady(socket, { error: `Node ${process.version} is too old, ${MIN_NODE} is needed` });
  socket.resume();
  socket.on("end", () => process.exit(0));
} else {
  sendReady(socket, { language: "javascript", version: process.version });
  // Before the first call: it may never return. The thread starts while the rest is loaded.
  const { watchParent } = await import("./watchdog.js");
  watchParent(parent);
  const { serve } = await import("./serve.js");
  serve(socket);
}
