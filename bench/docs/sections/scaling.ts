/** The scaling experiments of HyperLoom on the simulator (bench:scaling). */
import { number, table } from "../markdown.js";
import { type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

/** What is used of a row of bench:scaling. */
interface ScalingRow {
  experiment: string;
  information: string;
  nodes: number;
  tasks: number;
  makespanS: number;
  /** Of one node's. */
  efficiency: number;
  /** Makespan / lower bound. */
  ratio: number;
  /** Real time of the server's core. */
  serverCoreUsPerTask: number;
}

/** Efficiency at 64 nodes of HyperLoom in C++, as published. */
const PUBLISHED: Readonly<Record<string, number>> = { strong: 0.78, weak: 0.89 };
const PUBLISHED_NODES = 64;

export function scaling(files: readonly ResultFile[]): Section | undefined {
  const file = files.find(({ content }) => rowsOf(content).length > 0);
  if (file === undefined) return undefined;
  const rows = rowsOf(file.content);
  const text = paragraphs(
    `A pharmaceutical machine-learning pipeline on nodes with 24 cores, by the scheduler of the server on the simulator ([simulation.md](simulation.md)): strong scaling with a fixed number of tasks, weak scaling with a fixed number per node. Efficiency is relative to one node. Published for HyperLoom in C++ at ${PUBLISHED_NODES} nodes: ${Object.entries(
      PUBLISHED,
    )
      .map(([name, value]) => `${value} ${name}`)
      .join(
        ", ",
      )}. Information is what the scheduler knows of durations: none, so that it learns them while tasks run; labels, the same with a label for each kind of task; exact, all of them.`,
    table(
      [
        ...["experiment", "information", "nodes", "tasks", "makespan s"],
        ...["efficiency", "published", "/ bound", "server µs/task"],
      ],
      rows.map((row) => [
        row.experiment,
        row.information,
        number(row.nodes),
        number(row.tasks, 10),
        number(row.makespanS),
        row.efficiency.toFixed(3),
        row.nodes === PUBLISHED_NODES ? number(PUBLISHED[row.experiment]) : "",
        row.ratio.toFixed(3),
        number(row.serverCoreUsPerTask),
      ]),
    ),
    sourceOf(file),
  );
  return { title: "Scaling experiments", text, charts: chartsOf(rows) };
}

function rowsOf(content: ResultFile["content"]): ScalingRow[] {
  const rows = content.rows as ScalingRow[] | undefined;
  if (!Array.isArray(rows)) return [];
  return rows.filter((row) => row.experiment !== undefined && row.efficiency !== undefined);
}

function chartsOf(rows: readonly ScalingRow[]): Section["charts"] {
  const nodes = [...new Set(rows.map((row) => row.nodes))];
  if (nodes.length < 2) return [];
  const experiments = [...new Set(rows.map(({ experiment }) => experiment))];
  const panels = experiments.map((experiment) => {
    const own = rows.filter((row) => row.experiment === experiment);
    const information = [...new Set(own.map((row) => row.information))];
    return {
      title: `${experiment} scaling (dashed: published at ${PUBLISHED_NODES} nodes)`,
      x: { title: "nodes", scale: "log" as const, ticks: nodes },
      y: { title: "efficiency", scale: "linear" as const },
      rule: PUBLISHED[experiment],
      series: information.map((name) => ({
        name: `information: ${name}`,
        points: own
          .filter((row) => row.information === name)
          .map((row) => ({ x: row.nodes, y: row.efficiency })),
      })),
    };
  });
  return [{ name: "scaling", chart: { title: "Efficiency by number of nodes", panels } }];
}
