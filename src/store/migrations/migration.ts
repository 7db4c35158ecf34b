/** A step of the schema: forward only, expand-only within a major version, never edited after it has landed. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** In order; some are for one of the databases. */
  readonly statements: readonly (string | { readonly postgres: string } | { readonly sqlite: string })[];
}
