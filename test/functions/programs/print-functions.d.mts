import type { Task } from "hyperloom";

export declare function printFunctions(tasks: Record<string, Task>): void;
