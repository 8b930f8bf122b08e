import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';

/** What a path of an initramfs holds. Everything belongs to root, and was last changed at the epoch. */
export type ArchiveEntry = { readonly path: string } & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'file'; readonly content: Uint8Array | { readonly file: string }; readonly mode: number }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'characterDevice'; readonly major: number; readonly minor: number }
);

/** Bits of st_mode, and permissions (Linux, include/uapi/linux/stat.h). */
const modeOf = (entry: ArchiveEntry): number => {
  switch (entry.kind) {
    case 'directory':
      return 0o040_755;
    case 'file':
      return 0o100_000 | entry.mode;
    case 'link':
      return 0o120_777;
    case 'characterDevice':
      return 0o020_600;
  }
};

const contentOf = async (entry: ArchiveEntry): Promise<Uint8Array> => {
  switch (entry.kind) {
    case 'file':
      return entry.content instanceof Uint8Array ? entry.content : readFile(entry.content.file);
    case 'link':
      return Buffer.from(entry.target);
    case 'directory':
    case 'characterDevice':
      return new Uint8Array();
  }
};

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');
const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4);

/**
 * One header of the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst): thirteen numbers in
 * eight hexadecimal digits, then the name with its NUL, padded to four bytes.
 */
const header = (inode: number, name: string, size: number, entry: ArchiveEntry | null): Buffer => {
  const device =
    entry?.kind === 'characterDevice' ? { major: entry.major, minor: entry.minor } : { major: 0, minor: 0 };
  const nameBytes = Buffer.from(`${name}\0`);
  const links = entry?.kind === 'directory' ? 2 : 1;
  const numbers = [
    inode,
    entry === null ? 0 : modeOf(entry),
    ...[0, 0], // owner and group
    links,
    0, // last change
    size,
    ...[0, 0], // the device that the archive was made on
    ...[device.major, device.minor],
    nameBytes.length,
    0, // checksum: none in this format
  ];
  const text = Buffer.from(`070701${numbers.map(hex).join('')}`);
  return Buffer.concat([text, nameBytes, padding(text.length + nameBytes.length)]);
};

/** The folders above each path, which the kernel does not make by itself. */
const withFolders = (entries: readonly ArchiveEntry[]): Map<string, ArchiveEntry> => {
  const all = new Map<string, ArchiveEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!all.has(path)) all.set(path, { path, kind: 'directory' });
    }
    all.set(entry.path, entry);
  }
  return all;
};

/**
 * Writes an uncompressed archive that the kernel unpacks into its first root, and answers its SHA-256. The same entries
 * give the same bytes, in whatever order they come. Rejects as Node's file calls do.
 */
export const writeNewcArchive = async (path: string, entries: readonly ArchiveEntry[]): Promise<string> => {
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  try {
    const put = async (bytes: Uint8Array): Promise<void> => {
      hash.update(bytes);
      await file.writeFile(bytes);
    };
    const sorted = [...withFolders(entries).values()].sort((one, other) => (one.path < other.path ? -1 : 1));
    for (const [index, entry] of sorted.entries()) {
      const content = await contentOf(entry);
      await put(header(index + 1, entry.path, content.length, entry));
      await put(content);
      await put(padding(content.length));
    }
    await put(header(0, 'TRAILER!!!', 0, null));
  } finally {
    await file.close();
  }
  return hash.digest('hex');
};
