/**
 * Waiting without sleeping: for a promise or a condition, up to a deadline that is far beyond
 * what a loaded machine needs. Running out of it fails the test with a dump.
 */

/** How long anything may take. */
const DEADLINE_MS = 30_000;

/** The promise's value; fails when it takes too long. */
export async function within<T>(promise: Promise<T>, what: string, dump: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what}: nothing for ${DEADLINE_MS / 1000} s\n${dump()}`));
    }, DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the condition is true; fails with `dump` when it takes too long. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  what: string,
  dump: () => string = () => "",
): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > end) {
      throw new Error(`${what}: not so after ${DEADLINE_MS / 1000} s\n${dump()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
