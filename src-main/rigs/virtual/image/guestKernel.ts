import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './runTool.ts';

/** Where the header of a bzImage says how long it is and where the kernel lies in it (Documentation/arch/x86/boot.rst). */
const header = { setupSectors: 0x1f1, payloadOffset: 0x248, payloadLength: 0x24c, end: 0x250 } as const;
const sector = 512;

const xzMagic = Buffer.from('fd377a585a00', 'hex');
const elfMagic = Buffer.from('7f454c46', 'hex');
/** Type and name of the note XEN_ELFNOTE_PHYS32_ENTRY, by which QEMU enters an ELF kernel (hw/i386/x86.c). */
const entryNote = Buffer.from('1200000058656e00', 'hex');

/** The kernel in a bzImage, if it is packed by xz; null for any other file. */
const packedByXz = (image: Buffer): Buffer | null => {
  if (image.length < header.end) return null;
  const setup = ((image[header.setupSectors] || 4) + 1) * sector;
  const start = setup + image.readUInt32LE(header.payloadOffset);
  const payload = image.subarray(start, start + image.readUInt32LE(header.payloadLength));
  return payload.subarray(0, xzMagic.length).equals(xzMagic) ? payload : null;
};

const unpack = async (payload: Buffer, to: string, scratch: string): Promise<boolean> => {
  const packed = join(scratch, 'kernel.xz');
  await writeFile(packed, payload);
  // The length of the kernel follows its stream.
  const words = ['-c', 'xz --decompress --single-stream --stdout "$1" > "$2"', 'sh', packed, to];
  const made = await runTool('sh', words, { purpose: 'unpack the kernel', advice: 'it starts packed too' });
  await rm(packed);
  if (!made.ok) return false;
  const kernel = await readFile(to);
  return kernel.subarray(0, elfMagic.length).equals(elfMagic) && kernel.includes(entryNote);
};

/**
 * Puts the kernel of a guest in its place: unpacked where it is an x86 kernel that xz packed, which takes an emulated
 * machine three seconds of each boot; as it is where it cannot be unpacked, or not be entered by QEMU then.
 */
export const writeKernel = async (from: string, to: string, scratch: string): Promise<void> => {
  const payload = packedByXz(await readFile(from));
  if (payload === null || !(await unpack(payload, to, scratch))) await copyFile(from, to);
};
