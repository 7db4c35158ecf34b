/** One thing that was looked at, as `baton doctor` shows it. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly says: string;
  /** The remedy. */
  readonly remedy?: string;
}
