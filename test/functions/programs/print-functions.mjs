/** Prints the function objects of tasks, by the tasks' names, for the test that runs the program. */
export function printFunctions(tasks) {
  const objects = Object.entries(tasks).map(([name, task]) => [
    name,
    Buffer.from(task.inputs[0].config).toString("base64"),
  ]);
  console.log(JSON.stringify(Object.fromEntries(objects)));
}
