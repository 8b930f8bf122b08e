import { readdir, readFile, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Where a machine shows itself; a test gives a recorded tree. */
export interface HostTree {
  readonly sys: string;
  readonly proc: string;
  readonly dev: string;
  /** Files that know names for ids; the first that is there is taken. */
  readonly nameFiles: readonly string[];
}

export const thisMachine: HostTree = {
  sys: '/sys',
  proc: '/proc',
  dev: '/dev',
  nameFiles: ['/usr/share/misc/pci.ids', '/usr/share/hwdata/pci.ids'],
};

/**
 * What is read here may vanish while it is read (a device is pulled), and much of it is there on some kernels only: what
 * cannot be read is null, and an absent folder is empty.
 */
export const readText = async (...path: readonly string[]): Promise<string | null> => {
  try {
    return (await readFile(join(...path), 'utf8')).trim();
  } catch {
    return null;
  }
};

/** Decimal, or hexadecimal with 0x, as sysfs writes numbers. */
export const readNumber = async (...path: readonly string[]): Promise<number | null> => {
  const text = await readText(...path);
  if (text === null || !/^(0x[0-9a-f]+|-?\d+)$/i.test(text)) return null;
  return Number(text);
};

export const readBytes = async (...path: readonly string[]): Promise<Uint8Array | null> => {
  try {
    return await readFile(join(...path));
  } catch {
    return null;
  }
};

/** Names in a folder, sorted. */
export const namesIn = async (...path: readonly string[]): Promise<readonly string[]> => {
  try {
    return (await readdir(join(...path))).sort();
  } catch {
    return [];
  }
};

/** The real path that a link leads to. */
export const resolved = async (...path: readonly string[]): Promise<string | null> => {
  try {
    return await realpath(join(...path));
  } catch {
    return null;
  }
};

/** The last part of what a link leads to: the name of a driver, the number of an IOMMU group. */
export const linkedName = async (...path: readonly string[]): Promise<string | null> => {
  const target = await resolved(...path);
  return target === null ? null : basename(target);
};
