/** A step of the schema: forward only, expand-only within a major version, never edited after it has landed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}
