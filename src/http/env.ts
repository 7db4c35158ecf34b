/** The variables of a request: its own id, under which the log and a problem name it. */
export interface Env {
  Variables: { request: string };
}
