/** One measured number, held against its target. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** As it is written in the table, for example "at least 50,000" or "under 10". */
  readonly target: string;
  readonly ok: boolean;
}
