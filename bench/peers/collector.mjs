// Loaded before a server whose memory is measured (with --expose-gc): collects garbage when a signal asks for it.
process.on("SIGUSR2", () => globalThis.gc?.());
