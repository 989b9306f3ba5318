export async function stopCommand(): Promise<number> {
  return 0;
}
