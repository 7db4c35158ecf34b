import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { Socket } from "node:net";
import { hasCode } from "../../base/errors.js";

const CHUNK_BYTES = 65_536;

/** All of standard input; undefined where it is longer than `bytesMax`. */
export async function readInput(bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  const isWhole = process.platform === "linux" && readReady(chunks, bytesMax);
  let bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  // Listeners, since an iterator over the stream costs a hook one more millisecond.
  if (!isWhole && bytes <= bytesMax)
    await new Promise<void>((resolve, reject) => {
      // Half the cost of process.stdin, which is made for terminals too.
      const input = fstatSync(0).isSocket() ? new Socket({ fd: 0, readable: true, writable: false }) : process.stdin;
      input.on("end", resolve).on("error", reject);
      input.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > bytesMax) resolve();
      });
    });
  return bytes > bytesMax ? undefined : Buffer.concat(chunks);
}

/**
 * Adds what has arrived, without waiting. Returns whether that is all: a client has mostly written its document before this process
 * has started, and `process.stdin` costs 2 ms. It is a pipe where a shell starts the hook, and a socket, which is not read here, where
 * Node does. Linux alone opens a pipe anew, so that another's end of it stays as it is.
 */
function readReady(chunks: Buffer[], bytesMax: number): boolean {
  let input: number | undefined;
  try {
    input = openSync("/proc/self/fd/0", constants.O_RDONLY | constants.O_NONBLOCK);
    for (let left = bytesMax; left >= 0;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const read = readSync(input, chunk);
      if (read === 0) return true;
      chunks.push(chunk.subarray(0, read));
      left -= read;
    }
    return false;
  } catch (error) {
    // Nothing more has come yet, or the input is no file and no pipe.
    if (hasCode(error, "EAGAIN", "ENXIO", "ENOENT", "EACCES", "EIO", "EINVAL")) return false;
    throw error;
  } finally {
    if (input !== undefined) closeSync(input);
  }
}
