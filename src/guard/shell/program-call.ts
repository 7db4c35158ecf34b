/** A program as the shell would start it. */
export interface ProgramCall {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables that the line itself gives to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Files that its output is written to, as they are written. */
  readonly writes: readonly string[];
  /** Its input, as far as the line says it. */
  readonly input: string | undefined;
  readonly inputFile: string | undefined;
  /** The program whose output is its input. */
  readonly source: ProgramCall | undefined;
  /** Programs of the line whose output stands in its words. */
  readonly listings: readonly ProgramCall[];
}
