/** `/api/v1`: what the cluster does as JSON, and what can be done to tasks. docs/dashboard.md describes it. */
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import {
  viewClients,
  viewFailure,
  viewFailures,
  viewPlans,
  viewRunning,
  viewWorkers,
} from "./cluster-views.js";
import { findTasks, wholeNumber } from "./find-tasks.js";
import type { ObservedServer } from "./observed-server.js";
import { BadRequest, listedTask, readReference, type TaskReference } from "./task-names.js";

const MAX_BODY_BYTES = 64 * 1024;
const MAX_TASKS = 1000;
const CANCELLED = "cancelled from the dashboard";

export function createApi(server: ObservedServer): Hono {
  const api = new Hono();
  api.get("/cluster", (context) => context.json(JSON.parse(server.status())));
  api.get("/workers", (context) => context.json({ workers: viewWorkers(server) }));
  api.get("/clients", (context) => context.json({ clients: viewClients(server) }));
  api.get("/plans", (context) => context.json(viewPlans(server)));
  api.get("/labels", (context) => context.json({ labels: server.core.labelCounts() }));
  api.get("/running", (context) => context.json(viewRunning(server)));
  api.get("/tasks", (context) => context.json(findTasks(server, context.req.query())));
  api.get("/tasks/:task", (context) => taskAnswer(server, context));
  api.get("/failures", (context) => {
    const limit = wholeNumber("limit", context.req.query("limit"), 100, 1, 1000);
    return context.json({ failures: viewFailures(server, limit), total: server.failures.total });
  });
  api.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: (context) =>
        context.json({ error: `a request has at most ${MAX_BODY_BYTES} bytes` }, 413),
    }),
  );
  api.post("/tasks/cancel", async (context) => {
    const { tasks } = await bodyOf(context);
    if (!Array.isArray(tasks) || tasks.length === 0 || tasks.length > MAX_TASKS) {
      throw new BadRequest(`tasks is a list of 1 to ${MAX_TASKS} tasks, such as ["0:17"]`);
    }
    const wanted = tasks.map((task) => readReference(task));
    const rows = wanted.map((one) => rowOf(server, one));
    const found = rows.filter((row) => row !== undefined);
    const cancelled = server.core.interventions.cancelTasks(found, CANCELLED);
    server.planTurn();
    return context.json({ cancelled, unknown: tasks.filter((_, i) => rows[i] === undefined) });
  });
  api.post("/plans/cancel", async (context) => {
    const { client, id } = readReference((await bodyOf(context)).plan, "plan");
    const plan = server.core.clients.get(client)?.plans.find(({ idBase }) => idBase === id);
    if (plan === undefined) {
      return context.json({ error: `there is no plan ${client}:${id} (any more)` }, 404);
    }
    const reason = `${CANCELLED}, with all of its plan`;
    const cancelled = server.core.interventions.cancelPlan(plan, reason);
    server.planTurn();
    return context.json({ cancelled });
  });
  api.post("/tasks/retry", async (context) => {
    const task = readReference((await bodyOf(context)).task);
    const row = rowOf(server, task);
    if (row === undefined) return unknownTask(context, task);
    const retried = server.core.interventions.retryTask(row);
    server.planTurn();
    if (typeof retried === "number") return context.json({ retried });
    const error = `task ${task.client}:${task.id} can't be retried: ${retried}`;
    return context.json({ error }, 409);
  });
  return api;
}

function rowOf(server: ObservedServer, { client, id }: TaskReference): number | undefined {
  return server.core.interventions.findTask(client, id);
}

function unknownTask(context: Context, { client, id }: TaskReference): Response {
  const error = `there is no task ${client}:${id}; it was never submitted, or its plan is forgotten`;
  return context.json({ error }, 404);
}

function taskAnswer(server: ObservedServer, context: Context): Response {
  const task = readReference(context.req.param("task"));
  const row = rowOf(server, task);
  if (row === undefined) return unknownTask(context, task);
  const { core } = server;
  const explanation = core.explainOwn(task.client, task.id);
  const failure = core.interventions.findFailure(row);
  const worker = failure?.worker === undefined ? undefined : server.workers.get(failure.worker);
  return context.json({
    ...listedTask(server, row),
    explanation: typeof explanation === "string" ? undefined : explanation.tasks[0],
    text: typeof explanation === "string" ? explanation : explanation.text,
    failure:
      failure &&
      viewFailure(
        failure,
        task.client,
        server.symbols.nameOf(failure.taskType),
        worker?.address,
        undefined,
      ),
  });
}

async function bodyOf(context: Context): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch (error) {
    // Too long, say: that has its own answer.
    if (!(error instanceof SyntaxError)) throw error;
    throw new BadRequest("the request's body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BadRequest("the request's body is not a JSON object");
  }
  return body as Record<string, unknown>;
}
