// Loaded before a server whose memory is measured (with --expose-gc): when a signal asks for it, it collects garbage and says how
// many bytes its objects and what stands outside for them have.
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stderr.write(`memory ${heapUsed + external}\n`);
});
