/** The study's model by hand: downloads and their limits, order of start, decisions, what is taken back. */
import { describe, expect, it } from "vitest";
import {
  readGraphFile,
  type StudyAnswer,
  type StudyCluster,
  type StudyNews,
  simulateStudy,
} from "../../../src/simulation/index.js";

const MIB = 2 ** 20;
/** 1 MiB/s; answers apply at once. */
const CLUSTER: StudyCluster = {
  workerCount: 4,
  cores: 2,
  bandwidthMiB: 1,
  minDelayS: 0,
  schedulingS: 0,
};

interface TestTask {
  s: number;
  cpus?: number;
  /** Sizes in MiB. */
  makes?: number[];
  needs?: [task: number, output: number][];
}

function graphOf(...tasks: TestTask[]) {
  return readGraphFile(
    {
      name: "test",
      tasks: tasks.map(({ s, cpus = 1, makes = [], needs = [] }, id) => ({
        id,
        duration: s,
        cpus,
        inputs: needs,
        outputs: makes.map((mib) => mib * MIB),
      })),
    },
    "test",
  );
}

/** Runs with a scheduler made of a function per decision, and keeps the news. */
function run(
  graph: ReturnType<typeof graphOf>,
  decisions: ((answer: StudyAnswer, news: StudyNews) => void)[],
  cluster: Partial<StudyCluster> = {},
) {
  const news: StudyNews[] = [];
  const report = simulateStudy(
    graph,
    { ...CLUSTER, ...cluster },
    {
      decide(told, answer) {
        news.push(structuredClone(told));
        decisions[news.length - 1]?.(answer, told);
      },
    },
  );
  return { ...report, news };
}

/** Assigns task i to worker `workers[i]`. */
function assignAll(answer: StudyAnswer, workers: number[], priority = (_task: number) => 0): void {
  for (const [task, worker] of workers.entries()) answer.assign(task, worker, priority(task), 0);
}

const near = (value: number) => expect.closeTo(value, 5);

describe("downloads", () => {
  it("share what source and destination have, and what one leaves another takes", () => {
    // Worker 0 sends to 1 and 2; worker 2 gets from 3 too. 0 is the narrowest: 1/2 for each of its links.
    const graph = graphOf(
      { s: 1, makes: [1, 2] },
      { s: 1, makes: [1] },
      { s: 0, needs: [[0, 0]] },
      { s: 0, needs: [[0, 1]] },
      { s: 0, needs: [[1, 0]] },
    );
    const { endS, transferBytes } = run(graph, [(answer) => assignAll(answer, [0, 3, 1, 2, 2])]);
    // 1 MiB at 1/2; 2 MiB at 1/2 until the others end at 3 s, then at 1.
    expect([...endS].slice(2)).toEqual([near(3), near(4), near(3)]);
    expect(transferBytes).toBe(4 * MIB);
  });

  it("are four at once, two from one source, the most urgent first", () => {
    const graph = graphOf(
      { s: 1, makes: [1, 1, 1] },
      { s: 1, makes: [1] },
      { s: 0, needs: [[0, 0]] },
      { s: 0, needs: [[0, 1]] },
      { s: 0, needs: [[0, 2]] },
      { s: 0, needs: [[1, 0]] },
    );
    const { endS } = run(graph, [
      (answer) => assignAll(answer, [0, 1, 2, 2, 2, 2], (task) => task),
    ]);
    // Links 0→2 and 1→2 get 1/2 each: 1 MiB from 1 by 3 s, 1/2 each of two from 0; then these go on.
    expect([...endS].slice(2)).toEqual([near(5), near(4), near(4), near(3)]);
  });

  it("of tasks whose inputs all exist come first, whatever the priority", () => {
    const graph = graphOf(
      { s: 1, makes: [1, 1, 1] },
      { s: 9, makes: [0] },
      {
        s: 0,
        needs: [
          [0, 0],
          [1, 0],
        ],
      },
      {
        s: 0,
        needs: [
          [0, 1],
          [1, 0],
        ],
      },
      { s: 0, needs: [[0, 2]] },
    );
    const { startS } = run(
      graph,
      [(answer) => assignAll(answer, [0, 1, 2, 2, 2], (task) => 10 - task)],
      { maxDownloads: 1 },
    );
    expect(startS[4]).toEqual(near(2));
    // Nothing is to be sent of the last input: it is there in the moment in which it is made.
    expect(startS[2]).toBe(9);
  });

  it("can be asked for before the object exists, without a task", () => {
    const graph = graphOf(
      { s: 1, makes: [1] },
      { s: 9, makes: [1] },
      {
        s: 1,
        needs: [
          [0, 0],
          [1, 0],
        ],
      },
    );
    const { startS, news } = run(graph, [
      (answer) => {
        answer.assign(0, 0, 0, 0);
        answer.assign(1, 1, 0, 0);
        answer.prefetch(0, 1, 0);
      },
      () => {},
      (answer) => answer.assign(2, 1, 0, 0),
    ]);
    expect(news[2]).toMatchObject({ nowS: near(2), fetched: [0], fetchedAt: [1] });
    expect(startS[2]).toBe(9);
  });
});

describe("workers", () => {
  it("start prepared tasks by priority, and others pass what does not fit", () => {
    const graph = graphOf({ s: 2 }, { s: 1, cpus: 2 }, { s: 1 }, { s: 1 });
    const { startS } = run(graph, [
      (answer) => assignAll(answer, [0, 0, 0, 0], (task) => 9 - task),
    ]);
    expect([...startS]).toEqual([0, 2, 0, 1]);
  });

  it("do not start tasks below the block level of one that waits for cores", () => {
    const graph = graphOf({ s: 2 }, { s: 1, cpus: 2 }, { s: 1 }, { s: 1 });
    const { startS } = run(graph, [
      (answer) => {
        answer.assign(0, 0, 9, 0);
        answer.assign(1, 0, 3, 2);
        answer.assign(2, 0, 2, 0);
        answer.assign(3, 0, 1, 0);
      },
    ]);
    expect([...startS]).toEqual([0, 2, 0, 3]);
  });

  it("give free cores to tasks prepared before, then to those that come", () => {
    // When 0 ends, 1 is prepared already; 2, more urgent, becomes it in that moment.
    const graph = graphOf(
      { s: 1, cpus: 2, makes: [1] },
      { s: 1, cpus: 2 },
      { s: 1, cpus: 2, needs: [[0, 0]] },
    );
    const { startS } = run(graph, [
      (answer) => assignAll(answer, [0, 0, 0], (task) => [9, 0, 5][task]),
    ]);
    expect([...startS]).toEqual([0, 1, 2]);
  });
});

describe("the scheduler", () => {
  it("decides when something has happened and the delay is over; answers apply later", () => {
    const graph = graphOf({ s: 1 }, { s: 1.01 }, { s: 3 }, { s: 1 });
    const { news, startS, makespanS } = run(
      graph,
      [(answer) => assignAll(answer, [0, 1, 2]), (answer) => answer.assign(3, 0, 0, 0)],
      { minDelayS: 0.1, schedulingS: 0.05 },
    );
    expect(news.map(({ nowS }) => nowS)).toEqual([0, 1.05, 1.2, 2.1, 3.05].map(near));
    expect(news.map(({ finished }) => finished)).toEqual([[], [0], [1], [3], [2]]);
    expect(news.map(({ started }) => started)).toEqual([[], [0, 1, 2], [3], [], []]);
    expect([...startS]).toEqual([0.05, 0.05, 0.05, 1.1].map(near));
    // Not the end of the last task: the answer to it.
    expect(makespanS).toEqual(near(3.1));
  });

  it("takes back what has not started, and is told; what runs goes on", () => {
    const graph = graphOf({ s: 1, cpus: 2 }, { s: 1 }, { s: 5 });
    const { news, startS, worker } = run(graph, [
      (answer) => {
        answer.assign(0, 0, 0, 0);
        answer.assign(1, 0, 0, 0);
        answer.withdraw(1);
        answer.assign(2, 1, 0, 0);
      },
      (answer, { withdrawn }) => {
        expect(withdrawn).toEqual([1]);
        answer.withdraw(0);
        answer.assign(1, 2, 0, 0);
        answer.assign(2, 2, 0, 0);
      },
    ]);
    expect(news[2]).toMatchObject({ withdrawn: [], finished: [0, 1] });
    expect([...startS]).toEqual([0, 0, 0]);
    expect([...worker]).toEqual([0, 2, 1]);
  });

  it("moves a task: its waiting downloads go, those that run or that others need stay", () => {
    const graph = graphOf(
      { s: 1, makes: [4, 1, 1] },
      {
        s: 1,
        needs: [
          [0, 0],
          [0, 1],
          [0, 2],
        ],
      },
      { s: 1, needs: [[0, 2]] },
      { s: 1 },
    );
    const { transferBytes, startS, worker } = run(
      graph,
      [
        (answer) => {
          answer.assign(0, 0, 0, 0);
          answer.assign(1, 1, 5, 0);
          answer.assign(2, 1, 0, 0);
          answer.assign(3, 3, 0, 0);
        },
        (answer) => answer.assign(1, 0, 0, 0),
      ],
      { maxDownloads: 1, schedulingS: 0.5 },
    );
    // The large one runs when the move applies and goes on; then the one that task 2 needs.
    expect(transferBytes).toBe(5 * MIB);
    expect([...startS]).toEqual([0.5, 2, near(6.5), 0.5]);
    expect([...worker]).toEqual([0, 0, 1, 3]);
  });

  it("moves a task: what was asked for by a prefetch is fetched all the same", () => {
    const graph = graphOf(
      { s: 1, makes: [1, 1] },
      {
        s: 1,
        needs: [
          [0, 0],
          [0, 1],
        ],
      },
      { s: 1 },
    );
    const { transferBytes } = run(
      graph,
      [
        (answer) => {
          answer.prefetch(1, 1, -1);
          assignAll(answer, [0, 1, 3]);
        },
        (answer) => answer.assign(1, 0, 0, 0),
        () => {},
        () => {},
      ],
      { maxDownloads: 1 },
    );
    expect(transferBytes).toBe(1 * MIB);
  });

  it("gives a task another priority: at the same worker its downloads keep their place", () => {
    const graph = graphOf(
      { s: 1, makes: [2, 1, 1] },
      { s: 0, needs: [[0, 0]] },
      { s: 0, needs: [[0, 1]] },
      { s: 0, needs: [[0, 2]] },
    );
    const { startS } = run(
      graph,
      [(answer) => assignAll(answer, [0, 1, 1, 1]), (answer) => answer.assign(2, 1, 0, 0)],
      { maxDownloads: 1, schedulingS: 0.5 },
    );
    // The first download runs when task 2 is given again: it stays before that of task 3.
    expect([...startS]).toEqual([0.5, near(3.5), near(4.5), near(5.5)]);
  });

  it.each<[string, (answer: StudyAnswer) => void, RegExp]>([
    [
      "forgets a task",
      (answer) => answer.assign(1, 0, 0, 0),
      /graph test: nothing happens any more, though 1 tasks have not ended; task 0 is not assigned$/,
    ],
    [
      "takes tasks back for ever",
      (answer) => {
        answer.assign(0, 0, 0, 0);
        answer.withdraw(0);
      },
      /gives them again without end, though 2 tasks/,
    ],
    [
      "names a worker that is not there",
      (answer) => answer.assign(0, 4, 0, 0),
      /task 0 is assigned to worker 4/,
    ],
    [
      "assigns a task that fits nowhere",
      (answer) => answer.assign(2, 0, 0, 0),
      /wants 3 cores, the workers have 2/,
    ],
  ])("that %s is told so", (_name, decide, message) => {
    const tasks = [{ s: 1 }, { s: 1 }, { s: 1, cpus: 3 }];
    const graph = graphOf(...tasks.slice(0, String(message).includes("cores") ? 3 : 2));
    expect(() =>
      simulateStudy(graph, CLUSTER, { decide: (_news, answer) => decide(answer) }),
    ).toThrow(message);
  });
});
