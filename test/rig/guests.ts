import { benchVersion } from '../../src-main/commands/places.ts';
import { imageOf, plainGuestOf } from '../../src-main/commands/virtualRigs.ts';
import { openRemoteRig } from '../../src-main/rigs/remote/remoteRig.ts';
import { Guest } from '../../src-main/rigs/virtual/guest.ts';
import { defaultKernels } from '../../src-main/rigs/virtual/guestArchitecture.ts';
import { guestTopology, type GuestTopology } from '../../src-main/rigs/virtual/guestTopology.ts';
import { kernelCommandLine, type BootWishes } from '../../src-main/rigs/virtual/kernelCommandLine.ts';
import { qemuLine } from '../../src-main/rigs/virtual/qemuLine.ts';
import { VirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import { GuestShell } from './guestShell.ts';
import { valueOf } from './valueOf.ts';

export const name = 'virtual:x86';

export interface GuestWishes extends Partial<Omit<BootWishes, 'topology'>> {
  readonly topology?: GuestTopology;
  /** The name of the image; the architecture's usual one when none is given. */
  readonly kernel?: string;
  /** More words for the guest's kernel. */
  readonly kernelWords?: string;
}

export interface ShelledGuest {
  readonly guest: Guest;
  readonly shell: GuestShell;
  /** The socket on which QEMU hears who wants to talk to the agent. */
  readonly channelPath: string;
  readonly topology: GuestTopology;
  stop(): Promise<void>;
}

const started: Guest[] = [];

/** What the guests of this file said last: for a failure, of which they know more than the bench. */
export const lastWordsOfGuests = (): string =>
  started
    .flatMap((guest, index) => {
      const { qemu, console } = guest.lastLines();
      return [`Guest ${index + 1}${guest.running ? '' : ', ended'}:`, ...qemu, ...console];
    })
    .join('\n');

/** When an agent is there, and again when it has been started again. */
export const agentOf = (guest: Guest): Promise<void> =>
  new Promise((resolve, reject) => {
    if (guest.agentIsThere) return resolve();
    const stop = guest.onAgent((there) => {
      if (!there) return;
      stop();
      resolve();
    });
    void guest.ended.then(({ reason }) => reject(new Error(reason)));
  });

/** A guest with a root shell, whose agent nobody talks to yet. */
export const startGuest = async (wishes: GuestWishes = {}): Promise<ShelledGuest> => {
  const { topology = guestTopology('single') } = wishes;
  const { architecture } = topology;
  const { driver, moduleParameters } = { ...plainGuestOf(architecture), ...wishes };
  const kernel = wishes.kernel ?? defaultKernels[architecture];
  const image = valueOf(await imageOf({ architecture, kernel }, process.env));
  const commandLine = valueOf(kernelCommandLine({ topology, driver, moduleParameters }));
  const shell = new GuestShell();
  let path = '';
  const guest = valueOf(
    Guest.start((channelPath) => {
      path = channelPath;
      return qemuLine({
        vmlinuz: image.vmlinuz,
        initramfs: image.initramfs,
        commandLine: `${commandLine} ${wishes.kernelWords ?? ''}`,
        topology: { ...topology, words: [...topology.words, ...shell.words] },
        channelPath,
      });
    }, architecture),
  );
  started.push(guest);
  await agentOf(guest);
  const stop = async (): Promise<void> => {
    await guest.stop();
    shell.close();
  };
  return { guest, shell, channelPath: path, topology, stop };
};

/** The rig that the guest's agent serves; closing it ends the guest. */
export const rigOf = async ({ guest, topology, stop }: ShelledGuest): Promise<VirtualRig> => {
  const channel = valueOf(await guest.openChannel());
  guest.onAgent((there) => {
    if (!there) channel.destroy();
  });
  const remote = valueOf(
    await openRemoteRig({
      channel,
      kind: 'virtual',
      name: `virtual:${topology.architecture}`,
      bench: benchVersion(),
      release: stop,
    }),
  );
  return new VirtualRig(guest, remote, topology);
};
