/** Explains errors of the operating system. Called by the rest of transport. */

/** The system's code ("ECONNREFUSED") of an error or of the first of several. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return code;
  // Several addresses of one name were tried, each failed.
  return error instanceof AggregateError ? systemCode(error.errors[0]) : undefined;
}

/** "REASON; WHAT TO DO" for an error of an attempt to connect. */
export function explainConnectError(error: Error): string {
  switch (systemCode(error)) {
    case "ECONNREFUSED":
      return "connection refused; check that something listens there and that the port is right";
    case "ENOTFOUND":
    case "EAI_NONAME":
      return "unknown host name; check its spelling";
    case "EAI_AGAIN":
      return "the host name could not be looked up; check its spelling and the name service";
    case "ETIMEDOUT":
      return "timed out; check that the host is up and no firewall is between";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no route to this host; check the address and the network";
    case "ECONNRESET":
      return "connection reset by the other side; try again";
    case "EMFILE":
    case "ENFILE":
      return "too many open files; raise the limit (ulimit -n)";
    default:
      return `${firstMessage(error)}; check the address`;
  }
}

/** "REASON; WHAT TO DO" for an error of an attempt to listen. */
export function explainListenError(error: Error): string {
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return "the port is in use; stop what uses it or take another port";
    case "EACCES":
      return "permission denied; take a port above 1023";
    case "EADDRNOTAVAIL":
      return "this machine does not have this address; take one of its own, or 0.0.0.0 for all";
    case "ENOTFOUND":
    case "EAI_NONAME":
    case "EAI_AGAIN":
      return "unknown host name; use an IP address of this machine";
    default:
      return `${firstMessage(error)}; check the address and the port`;
  }
}

/** Reason for the end of a connection that had been open. */
export function explainLoss(error: Error): string {
  switch (systemCode(error)) {
    case "ECONNRESET":
    case "EPIPE":
      return "the other side went away without closing it (its process may have died)";
    case "ETIMEDOUT":
      return "the other side does not answer (the machine or the network may be down)";
    default:
      return firstMessage(error);
  }
}

function firstMessage(error: Error): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}
