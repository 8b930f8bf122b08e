import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeKernel } from '../../../src-main/rigs/virtual/image/guestKernel.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recovery-bench-kernel-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An ELF file as far as anybody looks, with a note of this type. */
const kernelWithNote = (type: number): Buffer =>
  Buffer.concat([
    Buffer.from('\x7fELF'),
    Buffer.alloc(4096, 7),
    Buffer.from([4, 0, 0, 0, 8, 0, 0, 0, type, 0, 0, 0]),
    Buffer.from('Xen\0'),
  ]);
const pvhEntry = 18;

const packed = (kernel: Buffer): Buffer => {
  const { status, stdout } = spawnSync('xz', ['--stdout', '--check=crc32'], { input: kernel });
  expect(status).toBe(0);
  return stdout;
};

/** A bzImage of three setup sectors with this payload 100 bytes behind them, and the kernel's length after it. */
const bzImage = (payload: Buffer): Buffer => {
  const setup = Buffer.alloc(4 * 512 + 100);
  setup[0x1f1] = 3;
  setup.writeUInt32LE(100, 0x248);
  setup.writeUInt32LE(payload.length + 4, 0x24c);
  return Buffer.concat([setup, payload, Buffer.from([1, 2, 3, 4]), Buffer.alloc(64, 9)]);
};

const written = async (image: Buffer): Promise<Buffer> => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  writeFileSync(from, image);
  await writeKernel(from, to, folder);
  return readFileSync(to);
};

describe('the kernel of a guest', () => {
  it('is unpacked where xz packed it and QEMU can enter it', async () => {
    const kernel = kernelWithNote(pvhEntry);
    expect(await written(bzImage(packed(kernel)))).toEqual(kernel);
  });

  const damaged = (): Buffer => {
    const payload = packed(kernelWithNote(pvhEntry));
    payload.fill(0, 20, 40);
    return bzImage(payload);
  };

  it.each([
    ['is packed otherwise', () => bzImage(Buffer.from('28b52ffd0488', 'hex'))],
    ['has no entry for QEMU', () => bzImage(packed(kernelWithNote(pvhEntry + 1)))],
    ['is no ELF file', () => bzImage(packed(kernelWithNote(pvhEntry).subarray(1)))],
    ['is damaged', damaged],
    ['is shorter than a header', () => Buffer.from('kernel')],
    ['has its payload beyond its end', () => bzImage(Buffer.alloc(0)).subarray(0, 600)],
  ])('stays as it is where it %s', async (_, make) => {
    const image = make();
    expect(await written(image)).toEqual(image);
  });
});
