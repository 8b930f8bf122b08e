import type { InputOf } from '../../preload/contract/commands.ts';
import type { GuestMachine, VirtualOffer } from '../../preload/contract/views.ts';

export type RigWish = InputOf<'addRig'>;
export type RigKind = RigWish['kind'];
/** The kinds as one is chosen: guests by their machine. */
export type RigChoice = Exclude<RigKind, 'virtual'> | GuestMachine;

export interface SimulatedFields {
  profile: string;
  topology: string;
  seed: number | '';
}

export interface VirtualFields {
  machine: GuestMachine;
  kernel: string;
  topology: string;
  driver: 'vfio-pci-notify' | 'vfio-pci';
  /** Switches of the notify driver that are on. */
  repairs: string[];
}

/** Seconds; empty leaves it to the kernel. */
export type KernelWait = number | '';

const shortestWait = 0.1;
const longestWait = 600;

export const waitTrouble = (wait: KernelWait): string | null =>
  wait === '' || (wait >= shortestWait && wait <= longestWait)
    ? null
    : 'The kernel’s wait is 0.1 to 600 seconds, or empty for the kernel’s own.';

export const seedTrouble = ({ seed }: SimulatedFields): string | null =>
  seed !== '' && Number.isInteger(seed) && seed >= 0 && seed <= 0xffff_ffff
    ? null
    : 'The seed is a whole number from 0 to 4294967295.';

export const simulatedWish = ({ profile, topology, seed }: SimulatedFields, wait: KernelWait): RigWish => ({
  kind: 'simulated',
  profile,
  topology,
  seed: seed === '' ? 0 : seed,
  ackTimeout: wait === '' ? null : Math.round(wait * 1_000_000),
});

/** What is usual on a machine; only the kernels of x86 have the notify driver. */
export const usualGuest = (machine: GuestMachine, offer: VirtualOffer): VirtualFields => ({
  machine,
  kernel: offer.kernels[0]?.name ?? '',
  topology: offer.topologies[0]?.name ?? '',
  driver: machine === 'x86' ? 'vfio-pci-notify' : 'vfio-pci',
  repairs: [],
});

/** Only the notify driver waits, and only it has repairs. */
export const virtualWish = (
  { machine, kernel, topology, driver, repairs }: VirtualFields,
  wait: KernelWait,
): RigWish => ({
  kind: 'virtual',
  machine,
  kernel,
  topology,
  driver,
  moduleParameters:
    driver === 'vfio-pci'
      ? {}
      : {
          ...(wait === '' ? {} : { ack_timeout_ms: String(Math.round(wait * 1_000)) }),
          ...Object.fromEntries(repairs.map((name) => [name, 'Y'])),
        },
});

/** Parameters of vfio-pci-notify that repair what the posted handshake does wrong; its README states each. */
export const repairs = [
  { name: 'restore_snapshot', text: 'restores the state of the opening in slot_reset' },
  { name: 'close_withdraws', text: 'a close during the wait is no ack' },
  { name: 'refuse_stray_ack', text: 'an ack that nothing waits for is refused' },
  { name: 'perm_failure_final', text: 'a permanent failure is neither signalled nor waited for' },
  { name: 'answer_irq_info', text: 'GET_IRQ_INFO knows index 5' },
] as const;
