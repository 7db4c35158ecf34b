// Loaded before a server: the wall clock is ahead by the milliseconds in a file, as after a sleep; the monotonic clock is not.
import { readFileSync } from "node:fs";

const file = process.env.STEPPED_CLOCK ?? "";
const now = Date.now;
Date.now = () => now() + Number(readFileSync(file, "utf8"));
