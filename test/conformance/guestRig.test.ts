import { afterAll, beforeAll, describe } from 'vitest';
import { benchVersion } from '../../src-main/commands/places.ts';
import { imageOf, plainGuest } from '../../src-main/commands/virtualRigs.ts';
import { openRemoteRig } from '../../src-main/rigs/remote/remoteRig.ts';
import { Guest } from '../../src-main/rigs/virtual/guest.ts';
import { guestTopology } from '../../src-main/rigs/virtual/guestTopology.ts';
import { kernelCommandLine } from '../../src-main/rigs/virtual/kernelCommandLine.ts';
import { qemuLine } from '../../src-main/rigs/virtual/qemuLine.ts';
import { defaultKernel } from '../../src-main/rigs/virtual/virtualRigName.ts';
import type { Rig } from '../../src-main/rigs/rig.ts';
import { rigSuite } from './rigSuite.ts';

const image = await imageOf({ architecture: 'x86', kernel: defaultKernel }, process.env);
/** How long a guest may take to see that a conversation has ended, in milliseconds. */
const noticed = 1_000;

const missing = image.ok ? null : image.error.message;

const valueOf = <Value>(
  result:
    | { readonly ok: true; readonly value: Value }
    | { readonly ok: false; readonly error: Error | { message: string } },
): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

/** One guest for all tests; each has a conversation of its own with the agent, which begins anew then. */
describe.skipIf(missing !== null && process.env['CI'] !== 'true')(
  `Linux in a guest${missing === null ? '' : ` (${missing})`}`,
  () => {
    let guest: Guest;

    const agentIsThere = (): Promise<void> =>
      new Promise((resolve, reject) => {
        if (guest.agentIsThere) return resolve();
        const stop = guest.onAgent((there) => {
          if (!there) return;
          stop();
          resolve();
        });
        void guest.ended.then(({ reason }) => reject(new Error(reason)));
      });

    beforeAll(async () => {
      const { vmlinuz, initramfs } = valueOf(image);
      const topology = guestTopology('single');
      const commandLine = valueOf(kernelCommandLine({ ...plainGuest, topology }));
      guest = valueOf(
        Guest.start((channelPath) => qemuLine({ vmlinuz, initramfs, commandLine, topology, channelPath })),
      );
      await agentIsThere();
    }, 180_000);
    afterAll(() => guest.stop());

    rigSuite('linux in a guest, over its agent', async (): Promise<Rig> => {
      const channel = valueOf(await guest.openChannel());
      const name = 'virtual:x86';
      const rig = valueOf(await openRemoteRig({ channel, kind: 'virtual', name, bench: benchVersion() }));
      const close = rig.close.bind(rig);
      rig.close = async () => {
        await close();
        // A port tells its guest only while nobody is at the host's end, and the guest tells nobody that it has seen it.
        await new Promise((resolve) => setTimeout(resolve, noticed));
      };
      return rig;
    });
  },
);
