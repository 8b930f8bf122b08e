import { readdirSync } from 'node:fs';
import type { FieldSpecification, Struct } from '../../../src-main/core/vfio/struct.ts';

const room = new URL('../../../src-main/core/vfio/', import.meta.url);

const isStruct = (value: unknown): value is Struct<readonly FieldSpecification[]> =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'struct';

const isNumberTable = (value: unknown): value is Readonly<Record<string, number>> =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length > 0 &&
  Object.entries(value).every(
    ([name, number]) => /^(VFIO|IOMMU)_[A-Za-z0-9_]+$/.test(name) && typeof number === 'number',
  );

const exports = await Promise.all(
  readdirSync(room)
    .filter((file) => file.endsWith('.ts'))
    .map(async (file) => Object.entries((await import(new URL(file, room).href)) as Record<string, unknown>)),
);

/** Every struct that the room exports, so that a new one cannot stay untested. */
export const everyStruct = exports
  .flat()
  .map(([, value]) => value)
  .filter(isStruct);

/** Every exported number that has a name in a uapi header. */
export const everyNumber: ReadonlyMap<string, number> = new Map(
  exports.flat().flatMap(([, value]) => (isNumberTable(value) ? Object.entries(value) : [])),
);
