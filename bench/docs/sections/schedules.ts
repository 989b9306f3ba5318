/** Published graphs, scheduled in the model of the study that published them (bench:schedule). */
import type { ScheduleRecord } from "../../schedules/compare.js";
import type { ScheduleSummary } from "../../schedules/table.js";
import { number, table } from "../markdown.js";
import { type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

interface ScheduleContent {
  mode: string;
  plan: string;
  summaries: ScheduleSummary[];
  records: ScheduleRecord[];
}

export function schedules(files: readonly ResultFile[]): Section | undefined {
  const file = files.find(({ content }) => {
    const { plan, summaries } = content as unknown as ScheduleContent;
    return plan === "core" && Array.isArray(summaries) && summaries.length > 0;
  });
  if (file === undefined) return undefined;
  const { mode, summaries, records } = file.content as unknown as ScheduleContent;
  const three = (value: number): string => value.toFixed(3);
  const text = paragraphs(
    `Graphs of a published study of workflow schedulers, run by the scheduler of the server in the model of that study ([simulation-study.md](simulation-study.md)), information on durations and sizes: ${mode}. Geometric means of our makespan divided by that of the best published scheduler for each graph, by the lower bound, and by two single schedulers; below 1 is better than them. The worst graph is the one with the highest ratio to the best.`,
    table(
      ["setting", "graphs", "/ best", "worst", "of", "/ bound", "/ blevel-gt", "/ ws"],
      summaries.map((summary) => [
        summary.name,
        number(summary.graphs),
        three(summary.toBest),
        three(summary.worst),
        summary.worstGraph,
        three(summary.toBound),
        three(summary.toBlevelGt),
        three(summary.toWs),
      ]),
    ),
    sourceOf(file),
  );
  return { title: "Schedules", text, charts: chartsOf(summaries, records) };
}

function chartsOf(
  summaries: readonly ScheduleSummary[],
  records: readonly ScheduleRecord[],
): Section["charts"] {
  const settings = new Map(
    records.map(({ cluster, bandwidthMiB }) => [
      `${cluster}, ${bandwidthMiB} MiB/s`,
      { cluster, bandwidthMiB },
    ]),
  );
  const points = summaries.flatMap((summary) => {
    const setting = settings.get(summary.name);
    return setting === undefined ? [] : [{ ...setting, summary }];
  });
  const bandwidths = [...new Set(points.map(({ bandwidthMiB }) => bandwidthMiB))];
  if (bandwidths.length < 2) return [];
  const clusters = [...new Set(points.map(({ cluster }) => cluster))];
  const chart = {
    title: "Makespan / that of the best published scheduler",
    panels: clusters.map((cluster) => {
      const own = points.filter((point) => point.cluster === cluster);
      const series = (name: string, of: (summary: ScheduleSummary) => number) => ({
        name,
        points: own.map(({ bandwidthMiB, summary }) => ({ x: bandwidthMiB, y: of(summary) })),
      });
      return {
        title: `${cluster.replace("x", " workers with ")} cores`,
        x: { title: "MiB/s", scale: "log" as const, ticks: bandwidths },
        y: { title: "ratio", scale: "linear" as const },
        rule: 1,
        series: [
          series("geometric mean", ({ toBest }) => toBest),
          series("worst graph", ({ worst }) => worst),
        ],
      };
    }),
  };
  return [{ name: "schedules", chart }];
}
