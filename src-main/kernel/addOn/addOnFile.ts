import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { failure, success, type Result } from '../../core/result.ts';

/** e_machine of an ELF header (linux/elf-em.h), by Node's name of the architecture. */
const machines: Readonly<Record<string, number>> = { x64: 62, s390x: 22 };

/** Beside the program, where that is one bundled file; `out/native` of a checkout, where it runs from its sources. */
const places = (architecture: string): readonly string[] =>
  [`./syscalls-${architecture}.node`, `../../../out/native/syscalls-${architecture}.node`].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );

/** The first bytes of a file; null where there is none. */
const beginning = (path: string): Buffer | null => {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(20);
      return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
};

/** e_machine; null for what is no ELF file. Byte 5 tells the byte order: 2 is big. */
const machineOf = (header: Buffer): number | null => {
  if (header.length < 20 || header.toString('latin1', 0, 4) !== '\u007fELF') return null;
  return header[5] === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
};

/**
 * The add-on's file, which is there and is for this processor: the loader's own words would be those of a file that is
 * missing, whichever it is.
 */
export const findAddOn = (
  architecture: string = process.arch,
  candidates: readonly string[] = places(architecture),
): Result<string> => {
  for (const path of candidates) {
    const header = beginning(path);
    if (header === null) continue;
    const machine = machineOf(header);
    if (machine !== null && machine === machines[architecture]) return success(path);
    const built = Object.entries(machines).find(([, number]) => number === machine)?.[0];
    const what = machine === null ? 'is no shared object' : `is for ${built ?? `the ELF machine ${machine}`}`;
    return failure(
      'notSupported',
      `${path} ${what}, and this machine needs it for ${architecture}: build it with "make ARCHITECTURE=${architecture}" in resources/native.`,
    );
  }
  return failure(
    'notSupported',
    `The add-on syscalls-${architecture}.node, which calls the kernel, is missing: build it with "make ARCHITECTURE=${architecture}" in resources/native and put it beside the agent.`,
  );
};
