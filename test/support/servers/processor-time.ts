/**
 * How much time of a processor some work took in this process, in milliseconds. Unlike the time that passed it does not grow while
 * others have the machine.
 */
export async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
