/** A step of the schema: forward only, expand-only within a major version, never edited after it has landed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** In order; some only one of the databases needs. */
  readonly statements: readonly (string | { readonly postgres: string })[];
}
